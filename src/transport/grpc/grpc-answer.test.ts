import { randomBytes } from "node:crypto";
import { gunzipSync, gzipSync, inflateSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { deferred } from "../../base/deferred.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { GrpcCall, GrpcMethod } from "./method.ts";
import { call, framed, type MethodServer, type Outcome, serveMethods, streaming, unary } from "./test-peer.ts";

let opened: MethodServer | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

async function answerOf(method: GrpcMethod, headers = {}, body: Uint8Array = framed(Buffer.from("request"))): Promise<Outcome> {
  opened = await serveMethods({ "/t.S/Method": method });
  return call(opened.session, "/t.S/Method", body, headers);
}

/** Both kinds of method, doing the same. */
function kinds(act: (context: GrpcCall) => Uint8Array): [kind: string, method: GrpcMethod][] {
  return [
    ["unary, at once", unary((_, context) => act(context))],
    ["unary, later", unary(async (_, context) => act(context))],
    ["streaming", streaming(async (_, send, context) => send(act(context)))],
  ];
}

describe("metadata of a method's own", () => {
  test.each(
    kinds((context) => {
      context.addHeader("x-first", "1");
      context.addHeader("x-second-bin", "AAEC");
      context.addTrailer("x-last", "a b");
      context.addTrailer("x-last-bin", "/w");
      return Buffer.from("answer");
    }),
  )("goes before the messages and behind them (%s)", async (_, method) => {
    const { status, messages, headers, trailers } = await answerOf(method);
    expect([status, messages]).toEqual([0, ["answer"]]);
    expect(headers).toMatchObject({ "x-first": "1", "x-second-bin": "AAEC", "content-type": "application/grpc" });
    expect(trailers).toMatchObject({ "grpc-status": "0", "x-last": "a b", "x-last-bin": "/w" });
    expect(headers["x-last"]).toBeUndefined();
  });

  const refuse = () => {
    throw new ServingError("not-found", "nothing here");
  };
  test.each(
    kinds((context) => {
      context.addHeader("x-first", "1");
      context.addTrailer("x-last", "2");
      return refuse();
    }),
  )("of a call that fails: a head, then the status (%s)", async (_, method) => {
    const { status, text, trailersOnly, headers, trailers } = await answerOf(method);
    expect([status, text, trailersOnly]).toEqual([5, "nothing here", false]);
    expect([headers["x-first"], headers["grpc-status"], trailers["x-last"]]).toEqual(["1", undefined, "2"]);
  });

  test.each(
    kinds((context) => {
      context.addTrailer("x-last", "2");
      return refuse();
    }),
  )("trailers alone go with the status in one block (%s)", async (_, method) => {
    const { status, trailersOnly, headers } = await answerOf(method);
    expect([status, trailersOnly, headers["x-last"]]).toEqual([5, true, "2"]);
  });

  test("that cannot be sent fails the call and not the connection", async () => {
    const wrong = unary((message, context) => {
      context.addHeader("x-text", "a\r\nb");
      return message;
    });
    expect(await answerOf(wrong)).toMatchObject({ http: 200, status: 13, text: 'the metadata "x-text" is not printable ASCII' });
  });

  test("comes too late behind the first message", async () => {
    const late = streaming(async (_, send, context) => {
      await send(Buffer.from("one"));
      context.addHeader("x-late", "1");
    });
    expect(await answerOf(late)).toMatchObject({
      status: 13,
      messages: ["one"],
      text: 'the metadata "x-late" comes after the answer\'s head',
    });
  });
});

describe("compression that a method asks for", () => {
  const LARGE = Buffer.alloc(3000, "compress me ");
  const asked = (wanted: boolean, answer: Uint8Array = LARGE) =>
    kinds((context) => {
      context.compressAnswers(wanted);
      return answer;
    });

  test.each(asked(true))("is done though the request came plain (%s)", async (_, method) => {
    const { headers, raw } = await answerOf(method, { "grpc-accept-encoding": "identity,deflate,gzip" });
    expect([headers["grpc-encoding"], raw[0]!.compressed]).toEqual(["gzip", true]);
    expect(gunzipSync(raw[0]!.bytes).equals(LARGE)).toBe(true);
  });

  test.each(asked(true))("is done in the one coding that the client takes (%s)", async (_, method) => {
    const { headers, raw } = await answerOf(method, { "grpc-accept-encoding": "deflate" });
    expect([headers["grpc-encoding"], raw[0]!.compressed]).toEqual(["deflate", true]);
    expect(inflateSync(raw[0]!.bytes).equals(LARGE)).toBe(true);
  });

  test.each(asked(true))("is left when the client takes none (%s)", async (_, method) => {
    const { headers, raw } = await answerOf(method, { "grpc-accept-encoding": "identity, br" });
    expect([headers["grpc-encoding"], raw[0]!.compressed, raw[0]!.bytes.equals(LARGE)]).toEqual([undefined, false, true]);
  });

  test.each(asked(true, Buffer.from("x")))("is left when it makes the answer larger (%s)", async (_, method) => {
    const { status, raw } = await answerOf(method, { "grpc-accept-encoding": "gzip" });
    expect([status, raw[0]!.compressed, raw[0]!.bytes.toString()]).toEqual([0, false, "x"]);
  });

  test.each(asked(false))("may be refused, though the request was compressed (%s)", async (_, method) => {
    const headers = { "grpc-encoding": "gzip", "grpc-accept-encoding": "gzip" };
    const { raw } = await answerOf(method, headers, framed(gzipSync("request"), true));
    expect([raw[0]!.compressed, raw[0]!.bytes.equals(LARGE)]).toEqual([false, true]);
  });

  test("of a stream is an answer's own, and the answers keep their order", async () => {
    const large = [1, 2, 3].map((digit) => Buffer.alloc(200_000, String(digit)));
    const mixed = streaming(async (_, send, context) => {
      const sent = [true, false, true].map((wanted, index) => {
        context.compressAnswers(wanted);
        return send(large[index]!);
      });
      await Promise.all(sent);
    });
    const { status, raw } = await answerOf(mixed, { "grpc-accept-encoding": "gzip" });
    expect([status, raw.map(({ compressed }) => compressed)]).toEqual([0, [true, false, true]]);
    for (const [index, { compressed, bytes }] of raw.entries()) {
      expect((compressed ? gunzipSync(bytes) : bytes).equals(large[index]!)).toBe(true);
    }
  });

  test("of a stream is waited for by the status", async () => {
    const hasty = streaming(async (_, send, context) => {
      context.compressAnswers(true);
      void send(Buffer.alloc(200_000, "a"));
    });
    const { status, raw } = await answerOf(hasty, { "grpc-accept-encoding": "gzip" });
    expect([status, raw.length]).toEqual([0, 1]);
  });

  test("of a stream that is cancelled meanwhile ends in a rejection that the method may ignore", async () => {
    const ended = deferred<unknown>();
    const stuck = streaming(async (_, send, context) => {
      context.compressAnswers(true);
      // More than the client's window takes, compressed or not.
      const sent = send(randomBytes(500_000));
      opened!.session.destroy();
      context.signal.addEventListener("abort", () => void sent.catch((reason: unknown) => ended.resolve(reason)));
      await ended.promise;
    });
    await answerOf(stuck, { "grpc-accept-encoding": "gzip" });
    expect(await ended.promise).toMatchObject({ code: "cancelled" });
  });
});

test("a method can tell how its messages came", async () => {
  const seen: boolean[] = [];
  const body = Buffer.concat([framed(gzipSync("a"), true), framed(Buffer.from("b")), framed(gzipSync("c"), true)]);
  const watching = streaming(async (messages, _, context) => {
    for await (const _message of messages) seen.push(context.messageCompressed);
  });
  await answerOf(watching, { "grpc-encoding": "gzip" }, body);
  const asking = unary((_, context) => Buffer.from(String(context.messageCompressed)));
  await opened?.close();
  opened = await serveMethods({ "/t.S/Ask": asking });
  const { session } = opened;
  const zipped = await call(session, "/t.S/Ask", framed(gzipSync("a"), true), { "grpc-encoding": "gzip" });
  const plain = await call(session, "/t.S/Ask", framed(Buffer.from("a")), { "grpc-encoding": "gzip" });
  expect([seen, zipped.messages, plain.messages]).toEqual([[true, false, true], ["true"], ["false"]]);
});
