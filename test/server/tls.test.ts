import { copyFileSync, existsSync, readFileSync, statSync } from "node:fs";
import { request as plainRequest } from "node:http";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { fixture, temporaryFolder } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { grpcPredict } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { eventually, logLines, type RunningServer, runCommand, startServer } from "../support/server.ts";

const MODEL = ["--model_name=half", `--model_base_path=${fixture("identity", "saved_model_half_plus_two_2_versions")}`];
const METRICS = "/monitoring/prometheus/metrics";
const file = (name: string) => fixture("tls", name);
const pem = (name: string) => readFileSync(file(name), "utf8");
const TRUSTED = { ca: pem("authority.pem") };
const CLIENT = { ...TRUSTED, cert: pem("client.pem"), key: pem("client-key.pem") };
const STRANGER = { ...TRUSTED, cert: pem("stranger.pem"), key: pem("stranger-key.pem") };
const SERVER = "modelport test server";
const NEXT_SERVER = "the next modelport test server";

const flags = (certificate = file("server.pem"), key = file("server-key.pem")) => [
  `--tls_certificate_file=${certificate}`,
  `--tls_key_file=${key}`,
];

let server: RunningServer;
const folders: { remove(): void }[] = [];

afterAll(() => {
  for (const folder of folders) folder.remove();
});

function folder(): string {
  const made = temporaryFolder();
  folders.push(made);
  return made.path;
}

interface Answer {
  readonly status: number | undefined;
  readonly text: string;
  /** The subject of the server's certificate. */
  readonly subject: string | undefined;
  /** The client's own, which tells connections apart. */
  readonly localPort: number | undefined;
}

function ask(port: number, path: string, body?: string, options: ConnectionOptions = TRUSTED, agent?: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? "GET" : "POST";
    const asked = request({ host: "localhost", port, method, path, agent: agent ?? false, ...options }, (response) => {
      const { localPort } = response.socket;
      const subject = [(response.socket as TLSSocket).getPeerCertificate().subject.CN].flat().join();
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode, text, subject, localPort }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

const predict = (port: number, options?: ConnectionOptions, agent?: Agent) =>
  ask(port, "/v1/models/half:predict", '{"instances": [1.0]}', options, agent);

async function predictByGrpc(endpoint: ConstructorParameters<typeof GrpcClient>[0]) {
  const client = new GrpcClient(endpoint);
  const { status, values } = await grpcPredict(client, "half");
  client.close();
  return status.code === 0 ? values : status;
}

async function handshake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect(port, "127.0.0.1", { ...TRUSTED, servername: "localhost", ...options });
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  return socket;
}

describe("certificate and key files", () => {
  beforeAll(async () => {
    server = await startServer([...MODEL, ...flags(), "--threads=2", "--log_level=debug"], { tls: TRUSTED });
  });
  afterAll(async () => {
    await server?.stop();
  });

  test("secure both ports, for REST and for gRPC", async () => {
    for (const port of [server.port, server.restPort]) {
      expect(await predict(port)).toMatchObject({ status: 200, subject: SERVER });
      expect(await predictByGrpc({ port, ...TRUSTED })).toEqual([2.5, 3]);
    }
  });

  test.each([
    [["h2"], "TLSv1.2", "h2"],
    [["http/1.1"], "TLSv1.2", "http/1.1"],
    [["h2", "http/1.1"], "TLSv1.3", "h2"],
    [["http/1.1"], "TLSv1.3", "http/1.1"],
    [undefined, "TLSv1.3", false],
  ] as const)("agree on a protocol by ALPN: %j with %s", async (offered, version, agreed) => {
    const socket = await handshake(server.port, {
      minVersion: version,
      maxVersion: version,
      ...(offered && { ALPNProtocols: [...offered] }),
    });
    expect([socket.alpnProtocol, socket.getProtocol()]).toEqual([agreed, version]);
    socket.destroy();
  });

  test("resume a session on whichever thread the next connection comes to", async () => {
    const first = connect(server.port, "127.0.0.1", { ...TRUSTED, servername: "localhost", maxVersion: "TLSv1.2" });
    const session = await new Promise<Buffer>((resolve) => first.once("session", resolve));
    first.destroy();
    for (let round = 0; round < 8; round++) {
      const again = await handshake(server.port, { maxVersion: "TLSv1.2", session });
      expect(again.isSessionReused()).toBe(true);
      again.destroy();
    }
  });

  test("answer a request without TLS in its own protocol", async () => {
    const answer = await rest(`http://127.0.0.1:${server.port}/v1/models/half`);
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining("this port takes connections with TLS only")]);
    await eventually(() => server.stderr().includes("no TLS on a port with TLS"));
  });

  test("are told of by the banner and the metrics", async () => {
    const printed = await eventually(() => /Try it:\n\n.*/.test(server.stdout()) && server.stdout());
    expect(printed).toContain(`gRPC     127.0.0.1:${server.port} (TLS)`);
    expect(printed).toContain(`health   https://127.0.0.1:${server.restPort}/readyz`);
    expect(printed).toContain(`curl -sk https://127.0.0.1:${server.restPort}/v1/models/half:predict`);
    await expect(handshake(server.port, { maxVersion: "TLSv1.2", ciphers: "AES128-SHA" })).rejects.toThrow("handshake failure");
    const page = await eventually(async () => {
      const { text } = await ask(server.restPort, METRICS);
      return /^modelport_tls_handshake_failures_total\S* [1-9]/m.test(text) && text;
    });
    expect(Number(/^modelport_tls_certificate_expiry_timestamp_seconds\S* (\d+)$/m.exec(page)?.[1])).toBeGreaterThan(0);
  });
});

describe("files that change", () => {
  let certificate: string;
  let key: string;
  const complaints = () => logLines(server).filter(({ msg }) => msg === "tls_certificate_not_reloaded");

  beforeAll(async () => {
    const root = folder();
    certificate = join(root, "tls.crt");
    key = join(root, "tls.key");
    copyFileSync(file("server.pem"), certificate);
    copyFileSync(file("server-key.pem"), key);
    server = await startServer(
      [...MODEL, ...flags(certificate, key), `--tls_client_ca_file=${file("authority.pem")}`, "--log_level=debug"],
      { tls: CLIENT },
    );
  });
  afterAll(async () => {
    await server?.stop();
  });

  test("go with a demand for clients' certificates", async () => {
    expect((await predict(server.restPort, CLIENT)).status).toBe(200);
    expect(await predictByGrpc({ port: server.port, ...CLIENT })).toEqual([2.5, 3]);
    await expect(predict(server.restPort, TRUSTED)).rejects.toThrow();
    await expect(predict(server.restPort, STRANGER)).rejects.toThrow();
    await eventually(() => server.stderr().includes('"detail":"DEPTH_ZERO_SELF_SIGNED_CERT"'));
  });

  test("are taken up for new connections, while old ones live on; a bad one is refused and told of once", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const keptAlive = () => predict(server.restPort, CLIENT, agent);
    const fresh = async () => (await predict(server.restPort, CLIENT)).subject;
    const { localPort, subject } = await keptAlive();
    expect(subject).toBe(SERVER);

    copyFileSync(file("next-server.pem"), certificate);
    await eventually(() => complaints().length === 1);
    expect(complaints()[0].error).toContain("is not the key of --tls_certificate_file tls.crt");
    expect(await fresh()).toBe(SERVER);

    copyFileSync(file("next-server-key.pem"), key);
    await eventually(async () => (await fresh()) === NEXT_SERVER);
    expect(await keptAlive()).toMatchObject({ status: 200, subject: SERVER, localPort });
    expect(complaints()).toHaveLength(1);
    agent.destroy();
  });
});

describe("TensorFlow Serving's file, and Unix sockets", () => {
  let socket: string;

  beforeAll(async () => {
    socket = join(folder(), "rest.sock");
    const args = [...MODEL, `--rest_api_socket_path=${socket}`, "--socket_mode=640", "--log_level=debug"];
    const dead = await startServer(args);
    await dead.stop("SIGKILL");
    expect(existsSync(socket)).toBe(true);
    server = await startServer([...args, `--ssl_config_file=${file("ssl.config")}`]);
  });
  afterEach(() => expect(server.process.exitCode).toBeNull());
  afterAll(async () => {
    await server?.stop();
    expect(existsSync(socket)).toBe(false);
  });

  test("secures the gRPC port and asks for clients' certificates", async () => {
    expect(await predictByGrpc({ port: server.port, ...CLIENT })).toEqual([2.5, 3]);
    await expect(predict(server.port, TRUSTED)).rejects.toThrow();
  });

  test("leaves the REST port plain, and without gRPC", async () => {
    expect((await rest(`${server.url}/v1/models/half:predict`, '{"instances": [1.0]}')).status).toBe(200);
    expect(await predictByGrpc(server.restPort)).toMatchObject({ code: 7, message: expect.stringContaining("TLS") });
  });

  test("a TLS hello on the plain port is closed, and the log says why", async () => {
    await expect(predict(server.restPort)).rejects.toThrow();
    await eventually(() => server.stderr().includes("TLS on a port without TLS"));
  });

  test("REST has a socket file of its own, taken over from a dead server, with the permissions given and without TLS", async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const asked = plainRequest({ socketPath: socket, path: "/v1/models/half" }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.on("error", reject).end();
    });
    expect(status).toBe(200);
    expect(statSync(socket).mode & 0o777).toBe(0o640);
    await eventually(() => server.stdout().includes(`REST     unix:${socket}`));
  });
});

test("a start ends with one line when a file cannot be used", async () => {
  const { code, stderr } = await runCommand([...MODEL, ...flags(undefined, file("client-key.pem"))]);
  expect([code, stderr]).toEqual([
    1,
    "modelport: --tls_key_file client-key.pem is not the key of --tls_certificate_file server.pem: give the key that the certificate was made for\n",
  ]);
});
