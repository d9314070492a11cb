import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FakeClock } from "../../base/fake-clock.ts";
import { ServingError } from "../../base/serving-error.ts";
import { FRAME_FLAG, FRAME_TYPE } from "../http2/frame.ts";
import type { HeaderFields } from "../http2/hpack-encoder.ts";
import { frame, type LoopbackServer, RawPeer, serveLoopback } from "../http2/test-peer.ts";
import type { GrpcMethod } from "./method.ts";

/** The rules of gRPC's HTTP/2 mapping, a request at a time, seen by a peer that says exactly what it wants. */
const METHODS: Readonly<Record<string, GrpcMethod>> = {
  "/t.S/Echo": { kind: "unary", run: (message) => message },
  "/t.S/Chat": {
    kind: "streaming",
    async run(messages, send) {
      for await (const message of messages) await send(Uint8Array.from(message));
    },
  },
  "/t.S/Fail": {
    kind: "unary",
    run(message) {
      throw new ServingError("aborted", Buffer.from(message).toString());
    },
  },
};

let server: LoopbackServer;
let started = 0;

beforeAll(async () => {
  server = await serveLoopback({
    grpc(path) {
      const method = METHODS[path];
      if (method?.kind !== "unary") return method;
      return {
        kind: "unary",
        run(message, call) {
          started++;
          return method.run(message, call);
        },
      };
    },
    clock: new FakeClock(),
    limits: { maxBodyBytes: 2000, maxHeaderCount: 20 },
  });
});

afterAll(async () => {
  await server.close();
});

function framed(message: string | Uint8Array, flag = 0, length = message.length): Buffer {
  const prefix = Buffer.from([flag, 0, 0, 0, 0]);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, Buffer.from(message)]);
}

const HELLO = framed("hello");

interface Request {
  readonly method?: string;
  readonly path?: string;
  /** Undefined leaves the field out. */
  readonly contentType?: string | undefined;
  readonly fields?: HeaderFields;
  /** Undefined ends the stream with its head. */
  readonly body?: Uint8Array | undefined;
  /** Ends the stream, in place of the body. */
  readonly trailers?: HeaderFields;
}

/** What came back, as one line: `200 0 hello`, `200 12 only` for Trailers-Only, `415` for plain HTTP, `reset 1`. */
async function ask(request: Request): Promise<{ line: string; message: string; fields: ReadonlyMap<string, string> }> {
  const { method = "POST", path = "/t.S/Echo", fields = [], trailers } = request;
  const body = "body" in request ? request.body : HELLO;
  const contentType = "contentType" in request ? request.contentType : "application/grpc";
  const peer = await RawPeer.connect(server.port);
  try {
    const head: [string, string][] = [
      [":method", method],
      [":scheme", "http"],
      [":path", path],
      [":authority", "test"],
    ];
    if (contentType !== undefined) head.push(["content-type", contentType]);
    peer.headers(1, [...head, ...fields], body === undefined);
    if (body !== undefined) peer.write(frame(FRAME_TYPE.data, trailers === undefined ? FRAME_FLAG.endStream : 0, 1, body));
    if (trailers !== undefined) peer.headers(1, trailers, true);
    await peer.until(
      ({ kind, streamId, endStream }) => kind === "go-away" || (streamId === 1 && (endStream || kind === "reset")),
    );
    const seen = peer.frames.filter(({ streamId }) => streamId === 1);
    const heads = seen.filter(({ kind }) => kind === "headers");
    const all = new Map(heads.flatMap((each) => each.fields.map((text) => split(text))));
    const data = seen.filter(({ kind }) => kind === "data").map(({ text }) => text.slice(5));
    const reset = heads.length === 0 ? seen.find(({ kind }) => kind === "reset") : undefined;
    const parts = [
      all.get(":status"),
      all.get("grpc-status"),
      ...(heads.length === 1 && all.has("grpc-status") ? ["only"] : []),
      ...data.filter((text) => text !== ""),
      reset && `reset ${reset.value}`,
    ];
    return {
      line: parts.filter((part) => part !== undefined).join(" "),
      message: decodeURIComponent(all.get("grpc-message") ?? ""),
      fields: all,
    };
  } finally {
    peer.socket.destroy();
  }
}

function split(field: string): [name: string, value: string] {
  const at = field.indexOf(": ");
  return [field.slice(0, at), field.slice(at + 2)];
}

describe("content-type", () => {
  test.each<[string | undefined, string]>([
    ["application/grpc", "200 0 hello"],
    ["application/grpc+proto", "200 0 hello"],
    ["application/grpc; charset=utf-8", "200 0 hello"],
    ["application/grpc+proto;x=y", "200 0 hello"],
    ["application/grpc+json", "200 12 only"],
    ["application/grpc+thrift; a=b", "200 12 only"],
    ["application/grpc-web", "415"],
    ["application/grpc-web+proto", "415"],
    ["application/grpcs", "415"],
    ["application/grpc+", "415"],
    ["application/json", "404"],
    [undefined, "404"],
  ])("%s: %s", async (contentType, line) => {
    expect((await ask({ contentType })).line).toBe(line);
  });

  test("a format that is not protobuf is named", async () => {
    const { message } = await ask({ contentType: "application/grpc+json" });
    expect(message).toBe('content-type "application/grpc+json" is not supported, expected +proto');
  });
});

describe("method, path and te", () => {
  test.each<[string, Request, string]>([
    ["GET", { method: "GET", body: undefined }, "405"],
    ["PUT", { method: "PUT" }, "405"],
    ["a known path", { path: "/t.S/Echo" }, "200 0 hello"],
    ["another case", { path: "/t.S/echo" }, "200 12 only"],
    ["a slash behind", { path: "/t.S/Echo/" }, "200 12 only"],
    ["a query", { path: "/t.S/Echo?a=b" }, "200 12 only"],
    ["no method", { path: "/t.S" }, "200 12 only"],
    ["an empty service", { path: "//Echo" }, "200 12 only"],
    ["nothing", { path: "/" }, "200 12 only"],
    ["no slash before", { path: "t.S/Echo" }, "reset 1"],
    ["te: trailers", { fields: [["te", "trailers"]] }, "200 0 hello"],
    ["te: gzip", { fields: [["te", "gzip"]] }, "reset 1"],
  ])("%s", async (_, request, line) => {
    expect((await ask(request)).line).toBe(line);
  });
});

describe("grpc-timeout", () => {
  test.each(["1H", "1M", "1S", "1m", "1u", "1n", "99999999H", "99999999n", "00000001S"])("%s is in time", async (timeout) => {
    expect((await ask({ fields: [["grpc-timeout", timeout]] })).line).toBe("200 0 hello");
  });

  test.each(["0H", "0S", "0m", "00000000n"])("%s has passed: no work is started", async (timeout) => {
    const before = started;
    expect((await ask({ fields: [["grpc-timeout", timeout]] })).line).toBe("200 4 only");
    expect((await ask({ path: "/t.S/Chat", fields: [["grpc-timeout", timeout]] })).line).toBe("200 4 only");
    expect(started).toBe(before);
  });

  test.each(["", "1", "S", "1s", "1h", "123456789S", "-1S", "+1S", "1.5S", "1 S", "1S1", "infinity", "١S"])(
    "%j is malformed",
    async (timeout) => {
      const value = Buffer.from(timeout).toString("latin1");
      expect((await ask({ fields: [["grpc-timeout", value]] })).line).toBe("200 13 only");
    },
  );

  test("two of them are malformed", async () => {
    const twice: HeaderFields = [
      ["grpc-timeout", "1S"],
      ["grpc-timeout", "2S"],
    ];
    expect((await ask({ fields: twice })).line).toBe("200 13 only");
  });
});

describe("messages of a unary call", () => {
  const gzipped = gzipSync("hello");
  const GZIP: HeaderFields = [["grpc-encoding", "gzip"]];
  test.each<[string, Request, string]>([
    ["none, by END_STREAM in the head", { body: undefined }, "200 12 only"],
    ["none, by an empty DATA", { body: new Uint8Array(0) }, "200 12 only"],
    ["one", { body: HELLO }, "200 0 hello"],
    ["one, and trailers behind it", { trailers: [["x-trailer", "a"]] }, "200 0 hello"],
    ["one without bytes", { body: framed("") }, "200 0"],
    ["two", { body: Buffer.concat([HELLO, HELLO]) }, "200 12 only"],
    ["part of a prefix", { body: HELLO.subarray(0, 4) }, "200 13 only"],
    ["a prefix alone", { body: HELLO.subarray(0, 5) }, "200 13 only"],
    ["a length larger than the message", { body: framed("hello", 0, 6) }, "200 13 only"],
    ["a length smaller than the message", { body: framed("hello", 0, 4) }, "200 13 only"],
    ["a length over the limit", { body: framed("hello", 0, 2001) }, "200 8 only"],
    ["the largest length there is", { body: framed("hello", 0, 0xffffffff) }, "200 8 only"],
    ["an unknown flag", { body: framed("hello", 2) }, "200 13 only"],
    ["compressed, and the coding is not said", { body: framed(gzipped, 1) }, "200 13 only"],
    [
      "compressed, and the coding is identity",
      { body: framed(gzipped, 1), fields: [["grpc-encoding", "identity"]] },
      "200 13 only",
    ],
    ["compressed as said", { body: framed(gzipped, 1), fields: GZIP }, "200 0 hello"],
    ["compressed otherwise than said", { body: framed(gzipped, 1), fields: [["grpc-encoding", "deflate"]] }, "200 13 only"],
    ["plain where a coding is said", { body: HELLO, fields: GZIP }, "200 0 hello"],
    ["of an unknown coding", { body: framed(gzipped, 1), fields: [["grpc-encoding", "br"]] }, "200 12 only"],
    ["plain, of an unknown coding", { body: HELLO, fields: [["grpc-encoding", "br"]] }, "200 12 only"],
  ])("%s", async (_, request, line) => {
    expect((await ask(request)).line).toBe(line);
  });

  test("a refused coding comes with those that are known", async () => {
    const { message, fields } = await ask({ fields: [["grpc-encoding", "br"]] });
    expect(message).toContain('grpc-encoding "br"');
    expect(fields.get("grpc-accept-encoding")).toBe("identity,gzip,deflate");
  });
});

describe("messages of a streaming call", () => {
  test.each<[string, Uint8Array | undefined, string]>([
    ["none, by END_STREAM in the head", undefined, "200 0"],
    ["none, by an empty DATA", new Uint8Array(0), "200 0"],
    ["two", Buffer.concat([framed("a"), framed("b")]), "200 0 a b"],
    ["one and a half", Buffer.concat([framed("a"), HELLO.subarray(0, 7)]), "200 13 only"],
    ["one of an unknown flag", framed("a", 9), "200 13 only"],
    ["one over the limit", framed("a", 0, 2001), "200 8 only"],
    ["one compressed in no coding", framed("a", 1), "200 13 only"],
  ])("%s", async (_, body, line) => {
    expect((await ask({ path: "/t.S/Chat", body })).line).toBe(line);
  });
});

describe("metadata", () => {
  test("reserved names that mean nothing to a server are passed over", async () => {
    const fields: HeaderFields = [
      ["grpc-status", "13"],
      ["grpc-message", "x"],
      ["grpc-message-type", "t.Message"],
      ["grpc-previous-rpc-attempts", "2"],
      ["grpc-trace-bin", "AAA"],
      ["grpc-future", "?"],
    ];
    expect((await ask({ fields })).line).toBe("200 0 hello");
  });

  test("too much of it is RESOURCE_EXHAUSTED, which a gRPC client understands, and not 431", async () => {
    const fields = Array.from({ length: 30 }, (_, index): [string, string] => [`x-field-${index}`, "a"]);
    const { line, message } = await ask({ fields });
    expect([line, message]).toEqual(["200 8 only", "the call's metadata is larger than the server takes"]);
  });
});

describe("the text of a status", () => {
  test.each<[string, string]>([
    ["plain", "plain"],
    [" blanks at both ends ", "%20blanks at both ends%20"],
    [" ", "%20"],
    ["", ""],
    ["100%", "100%25"],
    ["\t\r\n\0\x7f", "%09%0D%0A%00%7F"],
    ["ü ☺ 😈", "%C3%BC %E2%98%BA %F0%9F%98%88"],
  ])("%j is sent as %j", async (text, sent) => {
    const { line, message, fields } = await ask({ path: "/t.S/Fail", body: framed(Buffer.from(text)) });
    expect([line, message, fields.get("grpc-message")]).toEqual(["200 10 only", text, sent]);
    expect(fields.get("content-type")).toBe("application/grpc");
  });

  test("a lone surrogate, which UTF-8 cannot hold, becomes a replacement character", async () => {
    const lone = await serveLoopback({
      grpc: () => ({ kind: "unary", run: () => Promise.reject(new ServingError("internal", "a\ud800b")) }),
    });
    const peer = await RawPeer.connect(lone.port);
    const head: HeaderFields = [
      [":method", "POST"],
      [":scheme", "http"],
      [":path", "/t.S/Any"],
      ["content-type", "application/grpc"],
    ];
    peer.headers(1, head, false);
    peer.write(frame(FRAME_TYPE.data, FRAME_FLAG.endStream, 1, HELLO));
    const { fields } = await peer.until(({ kind }) => kind === "headers");
    expect(fields).toContain("grpc-message: a%EF%BF%BDb");
    peer.socket.destroy();
    await lone.close();
  });
});
