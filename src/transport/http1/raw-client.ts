/** For tests: a listener on a port of its own and clients that write bytes as they are. */
import { connect, type Socket } from "node:net";
import { FakeClock, settle } from "../../base/fake-clock.ts";
import type { AccessGate } from "../access-gate.ts";
import type { BufferBudget } from "../buffer-budget.ts";
import type { ConnectionContext } from "../connection.ts";
import { testAdoption } from "../epoll/test-adoption.ts";
import type { HttpHandler } from "../http-exchange.ts";
import { DEFAULT_LIMITS, type TransportLimits } from "../limits.ts";
import { Listener } from "../listener.ts";
import { createHttp1Connection } from "./connection.ts";

export interface TestServer {
  readonly listener: Listener;
  readonly clock: FakeClock;
  readonly port: number;
  /** Events reported by the transport. */
  readonly reports: (readonly [event: string, detail: unknown])[];
  /** Opens a connection. */
  client(): Promise<RawClient>;
  close(): Promise<void>;
}

interface TestServerOptions {
  readonly limits?: Partial<TransportLimits>;
  readonly compressResponses?: boolean;
  readonly buffers?: BufferBudget;
  readonly gate?: AccessGate;
}

/** Starts a server whose handler is `http`. */
export async function startServer(http: HttpHandler, options: TestServerOptions = {}): Promise<TestServer> {
  const clock = new FakeClock();
  const reports: [string, unknown][] = [];
  const context: ConnectionContext = {
    http,
    grpc: () => undefined,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    clock,
    compressResponses: options.compressResponses ?? false,
    ...(options.buffers !== undefined && { buffers: options.buffers }),
    ...(options.gate !== undefined && { gate: options.gate }),
    ...testAdoption(),
    report: (event, detail) => void reports.push([event, detail]),
  };
  const listener = new Listener(context, { http1: createHttp1Connection, http2: createHttp1Connection });
  const { port = 0 } = await listener.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
  const clients: RawClient[] = [];
  return {
    listener,
    clock,
    port,
    reports,
    async client() {
      const client = await RawClient.open(port);
      clients.push(client);
      return client;
    },
    async close() {
      for (const client of clients) client.socket.destroy();
      await listener.close();
    },
  };
}

/** A bare connection that keeps all it reads. */
class RawClient {
  readonly socket: Socket;
  /** Everything received, as Latin-1. */
  received = "";
  /** Whether the server has closed its side, in whichever way. */
  ended = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.received += bytes.toString("latin1");
      this.#wake();
    });
    const end = (): void => {
      this.ended = true;
      this.#wake();
    };
    socket.on("end", end);
    socket.on("close", end);
    socket.on("error", () => undefined);
  }

  static open(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new RawClient(socket)));
    });
  }

  /** Writes text (as Latin-1) or bytes, and lets the server read them. */
  async send(data: string | Uint8Array): Promise<void> {
    await new Promise<void>((resolve) => {
      this.socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data, () => resolve());
    });
    await settle();
  }

  /** Resolves once `condition` holds of this client; checked whenever something arrives. */
  async until(condition: (client: RawClient) => boolean): Promise<void> {
    while (!condition(this)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Waits for `count` whole answers, all with a `content-length`, and takes them. */
  async answers(count: number): Promise<RawAnswer[]> {
    const answers: RawAnswer[] = [];
    while (answers.length < count) {
      const answer = this.#takeAnswer();
      if (answer !== undefined) answers.push(answer);
      else if (this.ended) throw new Error(`the connection ended after ${answers.length} of ${count} answers`);
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
    return answers;
  }

  /** Waits for the server to close its side; what is left is in {@link received}. */
  async end(): Promise<void> {
    await this.until((client) => client.ended);
  }

  #takeAnswer(): RawAnswer | undefined {
    const headEnd = this.received.indexOf("\r\n\r\n");
    if (headEnd < 0) return undefined;
    const [line = "", ...fields] = this.received.slice(0, headEnd).split("\r\n");
    const headers = new Map(fields.map((field) => [field.slice(0, field.indexOf(":")), field.slice(field.indexOf(":") + 2)]));
    const end = headEnd + 4 + Number(headers.get("content-length") ?? 0);
    if (this.received.length < end) return undefined;
    const body = this.received.slice(headEnd + 4, end);
    this.received = this.received.slice(end);
    return { status: Number(line.split(" ")[1]), line, headers, body };
  }
}

interface RawAnswer {
  readonly status: number;
  readonly line: string;
  readonly headers: ReadonlyMap<string, string>;
  /** As Latin-1. */
  readonly body: string;
}
