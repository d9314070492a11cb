import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { HttpRequest } from "../http-exchange.ts";
import { TestGate } from "../test-gate.ts";
import { FRAME_FLAG, FRAME_TYPE } from "./frame.ts";
import { frame, type LoopbackServer, RawPeer, requestFields, serveLoopback } from "./test-peer.ts";

let server: LoopbackServer;
let gate: TestGate;
let requests: HttpRequest[];
let messages: string[];
let routed: string[];
let peer: RawPeer;

beforeEach(async () => {
  gate = new TestGate();
  requests = [];
  messages = [];
  routed = [];
  server = await serveLoopback({
    gate,
    http: (request) => {
      requests.push(request);
      return { status: 200, headers: [], body: Buffer.from(`${request.principal?.name} ${request.body.length}`) };
    },
    grpc: (path) => {
      routed.push(path);
      if (path === "/s/Stream") {
        return {
          kind: "streaming",
          async run(arriving, send) {
            for await (const message of arriving) await send(message);
          },
        };
      }
      if (path !== "/s/M") return undefined;
      return {
        kind: "unary",
        run(message) {
          messages.push(Buffer.from(message).toString());
          return Buffer.from(message);
        },
      };
    },
  });
  peer = await RawPeer.connect(server.port);
});
afterEach(async () => {
  peer.socket.destroy();
  await server.close();
});

const said = (word: string) => (word === "" ? [] : ([["authorization", word]] as const));
const data = (text: string, end: boolean) => frame(FRAME_TYPE.data, end ? FRAME_FLAG.endStream : 0, 1, Buffer.from(text));
const message = (text: string) => `\0\0\0\0${String.fromCharCode(text.length)}${text}`;
const headersOf = async () => (await peer.until(({ kind, streamId }) => kind === "headers" && streamId === 1)).fields;

describe("HTTP", () => {
  const ask = (word: string, end: boolean) => peer.headers(1, requestFields("POST", "/m", ...said(word)), end);

  test("a refused request is answered by its head", async () => {
    ask("", false);
    expect(await headersOf()).toContain(":status: 401");
    expect(requests).toEqual([]);
  });

  test("who is let in is served, and the handler knows who it is", async () => {
    ask("yes", false);
    peer.write(data("abc", true));
    expect((await peer.until(({ kind }) => kind === "data")).text).toBe("ada 3");
    expect(requests).toMatchObject([{ secure: false, principal: { name: "ada" } }]);
    expect(gate.asked).toMatchObject([{ method: "POST", target: "/m", peer: { address: "127.0.0.1" } }]);
    expect(gate.asked[0]!.header("host")).toBe("test");
  });

  test.each([true, false])("a request waits for the gate, whole or not, and is let in: %s", async (yes) => {
    ask("later", false);
    peer.write(data("ab", false));
    peer.write(data("c", true));
    await peer.roundTrip();
    expect(requests).toEqual([]);
    gate.waiting[0]!.resolve(yes);
    expect(await headersOf()).toContain(yes ? ":status: 200" : ":status: 401");
    if (yes) expect((await peer.until(({ kind }) => kind === "data")).text).toBe("ada 3");
  });

  test("a request that is let in before its body waits for that", async () => {
    ask("later", false);
    await peer.roundTrip();
    gate.waiting[0]!.resolve(true);
    await peer.roundTrip();
    peer.write(data("abc", true));
    expect((await peer.until(({ kind }) => kind === "data")).text).toBe("ada 3");
  });
});

describe("gRPC", () => {
  const ask = (word: string, path = "/s/M", end = false) =>
    peer.headers(1, requestFields("POST", path, ["content-type", "application/grpc"], ["te", "trailers"], ...said(word)), end);

  test.each([
    ["/s/M", "", "grpc-status: 16"],
    ["/s/Unknown", "", "grpc-status: 16"],
    ["/s/Unknown", "yes", "grpc-status: 12"],
  ])("%s by who says %j ends with %s", async (path, word, status) => {
    ask(word, path);
    expect(await headersOf()).toContain(status);
    expect(messages).toEqual([]);
  });

  test.each(["/s/M", "/s/Stream"])(
    "a call of %s waits for the gate, and nothing that arrived meanwhile is lost",
    async (path) => {
      ask("later", path);
      const text = message("hello");
      peer.write(data(text.slice(0, 3), false));
      peer.write(data(text.slice(3), true));
      await peer.roundTrip();
      expect(messages).toEqual([]);
      gate.waiting[0]!.resolve(true);
      expect((await peer.until(({ kind }) => kind === "data")).text).toBe(text);
      await peer.until(({ fields }) => fields.includes("grpc-status: 0"));
    },
  );

  test("a call that is let in before its message waits for that", async () => {
    ask("later");
    await peer.roundTrip();
    gate.waiting[0]!.resolve(true);
    await peer.roundTrip();
    peer.write(data(message("hello"), true));
    expect((await peer.until(({ kind }) => kind === "data")).text).toBe(message("hello"));
  });

  test("a call that the gate refuses after a while ends so", async () => {
    ask("later");
    peer.write(data(message("hello"), true));
    await peer.roundTrip();
    gate.waiting[0]!.resolve(false);
    expect(await headersOf()).toContain("grpc-status: 16");
    expect(messages).toEqual([]);
  });

  test("a call that is cancelled while the gate considers is not made", async () => {
    ask("later");
    peer.write(data(message("hello"), true));
    peer.write(frame(FRAME_TYPE.reset, 0, 1, Buffer.from([0, 0, 0, 8])));
    await peer.roundTrip();
    gate.waiting[0]!.resolve(true);
    await peer.roundTrip();
    expect([routed, messages]).toEqual([[], []]);
  });
});
