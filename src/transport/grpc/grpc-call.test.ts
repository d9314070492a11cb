import type { ClientHttp2Stream } from "node:http2";
import { deflateSync, gunzipSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { deferred } from "../../base/deferred.ts";
import { FakeClock } from "../../base/fake-clock.ts";
import { ServingError, type StatusCode } from "../../base/serving-error.ts";
import { statusNumber } from "../../base/status-code.ts";
import type { ContextChanges } from "../http2/test-peer.ts";
import type { GrpcCall, GrpcMethod } from "./method.ts";
import { call, framed, type MethodServer, serveMethods, start, streaming, unary } from "./test-peer.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function setUp(methods: Readonly<Record<string, GrpcMethod>>, changes?: ContextChanges): Promise<MethodServer> {
  const opened = await serveMethods(methods, changes);
  closing.push(() => opened.close());
  return opened;
}

const echo = unary((message) => message);
const never = unary(() => new Promise<Uint8Array>(() => undefined));

describe("unary calls", () => {
  test("one message in, one out", async () => {
    const { session } = await setUp({ "/t.S/Echo": echo, "/t.S/Later": unary(async (message) => message) });
    for (const path of ["/t.S/Echo", "/t.S/Later", "/t.S/Echo"]) {
      const outcome = await call(session, path);
      expect(outcome).toMatchObject({ http: 200, status: 0, messages: ["request"], trailersOnly: false });
      expect(outcome.headers).toMatchObject({
        "content-type": "application/grpc",
        "grpc-accept-encoding": "identity,gzip,deflate",
      });
    }
  });

  test("an empty message is a message", async () => {
    const { session } = await setUp({ "/t.S/Echo": echo });
    expect(await call(session, "/t.S/Echo", framed(new Uint8Array(0)))).toMatchObject({ status: 0, messages: [""] });
  });

  test("large messages pass both ways, many at once", async () => {
    const { session } = await setUp({ "/t.S/Echo": echo });
    const large = Buffer.alloc(3_000_000, "0123456789");
    const outcomes = await Promise.all([1, 2, 3].map(() => call(session, "/t.S/Echo", framed(large))));
    for (const { raw } of outcomes) expect(raw[0]!.bytes.equals(large)).toBe(true);
  });

  test("a message may arrive in pieces", async () => {
    const { session } = await setUp({ "/t.S/Echo": echo });
    const { stream, outcome } = start(session, "/t.S/Echo");
    for (const byte of framed(Buffer.from("pieces"))) {
      stream.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    stream.end();
    expect((await outcome).messages).toEqual(["pieces"]);
  });

  test("metadata is handed on as sent, binary ones in base64", async () => {
    let seen: GrpcCall | undefined;
    const method = unary((message, context) => {
      seen = context;
      return message;
    });
    const { session } = await setUp({ "/t.S/Echo": method });
    await call(session, "/t.S/Echo", undefined, { "x-text": "a, b", "x-token-bin": "AAEC/w==" });
    expect([
      seen!.path,
      seen!.metadata("x-text"),
      seen!.metadata("x-token-bin"),
      seen!.metadata("x-none"),
      seen!.hasDeadline,
      seen!.remainingMs,
    ]).toEqual(["/t.S/Echo", "a, b", "AAEC/w==", undefined, false, undefined]);
  });

  test("the time that is left of the deadline can be asked for, and is never less than none", async () => {
    let now = 1000;
    const left: (number | undefined)[] = [];
    const method = unary((message, context) => {
      for (const elapsed of [0, 300, 2000]) {
        now += elapsed;
        left.push(context.remainingMs);
      }
      return message;
    });
    const clock = { now: () => now, after: () => ({ cancel: () => undefined }) };
    const { session } = await setUp({ "/t.S/Echo": method }, { clock });
    await call(session, "/t.S/Echo", undefined, { "grpc-timeout": "2S" });
    expect(left).toEqual([2000, 1700, 0]);
  });
});

describe("status", () => {
  test.each<StatusCode>(["invalid-argument", "not-found", "unavailable", "unauthenticated"])(
    "%s keeps its number and text",
    async (code) => {
      const fails = unary(() => {
        throw new ServingError(code, "no model “ü” (100%)");
      });
      const { session } = await setUp({ "/t.S/Fail": fails });
      expect(await call(session, "/t.S/Fail")).toMatchObject({
        http: 200,
        status: statusNumber(code),
        text: "no model “ü” (100%)",
        trailersOnly: true,
      });
    },
  );

  test("an unexpected error says nothing to the client and all to the log", async () => {
    const { server, session } = await setUp({ "/t.S/Bug": unary(() => Promise.reject(new Error("a secret"))) });
    expect(await call(session, "/t.S/Bug")).toMatchObject({ status: 13, text: "internal error" });
    expect(server.reports).toContain("handler_fault: Error: a secret");
  });

  test("unknown methods are UNIMPLEMENTED", async () => {
    const { session } = await setUp({});
    expect(await call(session, "/t.S/None")).toMatchObject({ status: 12, text: "unknown method None for service t.S" });
    expect(await call(session, "/none")).toMatchObject({ status: 12 });
    const aware = await setUp({}, { grpc: Object.assign(() => undefined, { hasService: () => false }) });
    expect(await call(aware.session, "/t.S/None")).toMatchObject({ status: 12, text: "unknown service t.S" });
  });

  test.each<[string, Uint8Array, number]>([
    ["no message", new Uint8Array(0), 12],
    ["two messages", Buffer.concat([framed(Buffer.from("a")), framed(Buffer.from("b"))]), 12],
    ["half a message", framed(Buffer.from("abc")).subarray(0, 6), 13],
    ["an unknown flag", Buffer.from([7, 0, 0, 0, 0]), 13],
    ["a compressed message of no coding", framed(Buffer.from("abc"), true), 13],
    ["a message over the limit", framed(new Uint8Array(2001)), 8],
    ["the prefix of a message over the limit", Buffer.from([0, 127, 255, 255, 255]), 8],
  ])("%s is refused", async (_, body, status) => {
    const { session } = await setUp({ "/t.S/Echo": echo }, { limits: { maxBodyBytes: 2000 } });
    expect(await call(session, "/t.S/Echo", body)).toMatchObject({ http: 200, status, messages: [] });
    expect(await call(session, "/t.S/Echo")).toMatchObject({ status: 0 });
  });

  test("what is no gRPC request is refused by HTTP", async () => {
    const { session } = await setUp({ "/t.S/Echo": echo });
    expect((await call(session, "/t.S/Echo", undefined, { "content-type": "application/grpc-web" })).http).toBe(415);
    const put = await call(session, "/t.S/Echo", undefined, { ":method": "PUT" });
    expect([put.http, put.headers.allow]).toEqual([405, "POST"]);
    expect(await call(session, "/t.S/Echo", undefined, { "content-type": "application/grpc+proto" })).toMatchObject({
      status: 0,
    });
  });
});

describe("compression", () => {
  const plain = Buffer.alloc(4000, "compress me ");
  const codings = [
    ["gzip", gzipSync],
    ["deflate", deflateSync],
  ] as const;

  test.each(codings)("%s comes in and goes out when the client takes it", async (coding, compress) => {
    const { session } = await setUp({ "/t.S/Echo": echo });
    const body = framed(compress(plain), true);
    const silent = await call(session, "/t.S/Echo", body, { "grpc-encoding": coding });
    expect([silent.status, silent.raw[0]!.compressed, silent.messages[0]]).toEqual([0, false, plain.toString()]);
    const taking = await call(session, "/t.S/Echo", body, {
      "grpc-encoding": coding,
      "grpc-accept-encoding": "identity, deflate, gzip",
    });
    expect([taking.headers["grpc-encoding"], taking.raw[0]!.compressed]).toEqual([coding, true]);
    if (coding === "gzip") expect(gunzipSync(taking.raw[0]!.bytes).equals(plain)).toBe(true);
  });

  test("a plain message in a compressing call is taken as it is", async () => {
    const { session } = await setUp({ "/t.S/Echo": echo });
    const outcome = await call(session, "/t.S/Echo", framed(plain), { "grpc-encoding": "gzip", "grpc-accept-encoding": "gzip" });
    expect([outcome.status, outcome.raw[0]!.compressed]).toEqual([0, false]);
  });

  test("an unknown coding is UNIMPLEMENTED and told what is known", async () => {
    const { session } = await setUp({ "/t.S/Echo": echo });
    const outcome = await call(session, "/t.S/Echo", framed(plain, true), { "grpc-encoding": "snappy" });
    expect(outcome).toMatchObject({ status: 12, headers: { "grpc-accept-encoding": "identity,gzip,deflate" } });
  });

  test.each<[string, Uint8Array, number]>([
    ["a bomb", gzipSync(Buffer.alloc(5_000_000)), 8],
    ["broken data", Buffer.from("not gzip"), 13],
  ])("%s is refused", async (_, body, status) => {
    const { session } = await setUp({ "/t.S/Echo": echo }, { limits: { maxBodyBytes: 100_000 } });
    expect((await call(session, "/t.S/Echo", framed(body, true), { "grpc-encoding": "gzip" })).status).toBe(status);
  });
});

describe("deadlines", () => {
  test("a malformed timeout is INTERNAL, an expired one is answered without work", async () => {
    let runs = 0;
    const counting = unary((message) => {
      runs++;
      return message;
    });
    const { session } = await setUp({ "/t.S/Count": counting });
    expect((await call(session, "/t.S/Count", undefined, { "grpc-timeout": "soon" })).status).toBe(13);
    expect((await call(session, "/t.S/Count", undefined, { "grpc-timeout": "0m" })).status).toBe(4);
    expect(runs).toBe(0);
    expect((await call(session, "/t.S/Count", undefined, { "grpc-timeout": "1H" })).status).toBe(0);
  });

  test("passes while a method never returns: the signal aborts and the status is sent", async () => {
    const clock = new FakeClock();
    const begun = deferred<AbortSignal>();
    const stuck = unary((_, { signal }) => {
      begun.resolve(signal);
      return new Promise<Uint8Array>(() => undefined);
    });
    const { session } = await setUp({ "/t.S/Stuck": stuck, "/t.S/Never": never }, { clock });
    const answers = [
      call(session, "/t.S/Stuck", undefined, { "grpc-timeout": "500m" }),
      call(session, "/t.S/Never", undefined, { "grpc-timeout": "500m" }),
    ];
    const signal = await begun.promise;
    expect(signal.aborted).toBe(false);
    await clock.advance(499);
    expect(signal.aborted).toBe(false);
    await clock.advance(1);
    expect(signal.reason).toMatchObject({ code: "deadline-exceeded" });
    for (const answer of answers) expect(await answer).toMatchObject({ status: 4, trailersOnly: true });
  });

  test("passes while the message is awaited", async () => {
    const clock = new FakeClock();
    const opened = deferred<void>();
    const grpc = () => {
      opened.resolve();
      return echo;
    };
    const { session } = await setUp({}, { clock, grpc });
    const { stream, outcome } = start(session, "/t.S/Echo", { "grpc-timeout": "2S" });
    stream.write(framed(Buffer.from("abc")).subarray(0, 6));
    await opened.promise;
    await clock.advance(2000);
    expect((await outcome).status).toBe(4);
  });

  test("a message that arrives too late starts no work", async () => {
    let runs = 0;
    const counting = unary((message) => {
      runs++;
      return message;
    });
    const now = { ms: 0 };
    const clock = { now: () => now.ms, after: () => ({ cancel: () => undefined }) };
    const opened = deferred<void>();
    const grpc = () => {
      opened.resolve();
      return counting;
    };
    const { session } = await setUp({}, { clock, grpc });
    const { stream, outcome } = start(session, "/t.S/Count", { "grpc-timeout": "1S" });
    await opened.promise;
    now.ms = 1000;
    stream.end(framed(Buffer.from("late")));
    expect([(await outcome).status, runs]).toEqual([4, 0]);
  });

  test("an answer in time cancels the timer", async () => {
    const clock = new FakeClock();
    let signal: AbortSignal | undefined;
    const method = unary(async (message, context) => {
      signal = context.signal;
      return message;
    });
    const { session } = await setUp({ "/t.S/Quick": method }, { clock });
    expect((await call(session, "/t.S/Quick", undefined, { "grpc-timeout": "1S" })).status).toBe(0);
    await clock.advance(2000);
    expect(signal!.aborted).toBe(false);
  });
});

describe("cancellation", () => {
  test("a reset and a lost connection abort the signal", async () => {
    const signals: AbortSignal[] = [];
    const stops = [deferred<void>(), deferred<void>()];
    const begun = deferred<void>();
    const method = unary((_, { signal }) => {
      const stop = stops[signals.push(signal) - 1]!;
      signal.addEventListener("abort", () => stop.resolve());
      if (signals.length === 2) begun.resolve();
      return new Promise<Uint8Array>(() => undefined);
    });
    const { session } = await setUp({ "/t.S/Stuck": method });
    const first: ClientHttp2Stream = start(session, "/t.S/Stuck").stream.end(framed(new Uint8Array(0)));
    start(session, "/t.S/Stuck").stream.end(framed(new Uint8Array(0)));
    await begun.promise;
    first.close(8);
    await stops[0]!.promise;
    expect(signals[0]!.reason).toMatchObject({ code: "cancelled" });
    expect(signals[1]!.aborted).toBe(false);
    session.destroy();
    await stops[1]!.promise;
    expect(signals[1]!.reason).toMatchObject({ code: "cancelled" });
  });

  test("a signal asked for after the end is aborted already", async () => {
    const calls: GrpcCall[] = [];
    const begun = deferred<void>();
    const gone = deferred<void>();
    const quiet = unary((_, context) => {
      calls.push(context);
      return new Promise<Uint8Array>(() => undefined);
    });
    const watching = unary((_, { signal }) => {
      signal.addEventListener("abort", () => gone.resolve());
      begun.resolve();
      return new Promise<Uint8Array>(() => undefined);
    });
    const { session } = await setUp({ "/t.S/Quiet": quiet, "/t.S/Watching": watching });
    start(session, "/t.S/Quiet").stream.end(framed(new Uint8Array(0)));
    start(session, "/t.S/Watching").stream.end(framed(new Uint8Array(0)));
    await begun.promise;
    session.destroy();
    await gone.promise;
    expect(calls[0]!.signal.reason).toMatchObject({ code: "cancelled" });
  });
});

describe("streaming calls", () => {
  const echoAll = streaming(async (messages, send) => {
    for await (const message of messages) await send(message);
  });

  test("messages pass in turn both ways", async () => {
    const { session } = await setUp({ "/t.S/Chat": echoAll });
    const { stream, outcome } = start(session, "/t.S/Chat");
    for (const text of ["one", "two", "three"]) {
      const echoed = new Promise<Buffer>((resolve) => stream.once("data", resolve));
      stream.write(framed(Buffer.from(text)));
      expect((await echoed).subarray(5).toString()).toBe(text);
    }
    stream.end();
    expect(await outcome).toMatchObject({ status: 0, messages: ["one", "two", "three"] });
  });

  test("a server streams more than the windows hold", async () => {
    const many = streaming(async (messages, send) => {
      for await (const message of messages) {
        for (let round = 0; round < 50; round++) await send(Buffer.alloc(20_000, message[0]! + round));
      }
    });
    const { session } = await setUp({ "/t.S/Many": many });
    const { status, raw } = await call(session, "/t.S/Many", framed(Buffer.from("A")));
    expect([status, raw.length]).toEqual([0, 50]);
    expect(raw.every(({ bytes }, round) => bytes.equals(Buffer.alloc(20_000, 65 + round)))).toBe(true);
  });

  test("a client streams more than its window, and sees it reopened", async () => {
    const count = streaming(async (messages, send) => {
      let total = 0;
      for await (const message of messages) total += message.length;
      await send(Buffer.from(String(total)));
    });
    const { session } = await setUp({ "/t.S/Count": count }, { limits: { maxBodyBytes: 50_000 } });
    const body = Buffer.concat(Array<Buffer>(40).fill(framed(Buffer.alloc(30_000))));
    expect(await call(session, "/t.S/Count", body)).toMatchObject({ status: 0, messages: ["1200000"] });
  });

  test("a method that ends early ends the call", async () => {
    const { session } = await setUp({ "/t.S/Short": streaming(async (_, send) => send(Buffer.from("enough"))) });
    const { outcome } = start(session, "/t.S/Short");
    expect(await outcome).toMatchObject({ status: 0, messages: ["enough"] });
  });

  test("a failure after the first message comes in the trailers", async () => {
    const failing = streaming(async (_, send) => {
      await send(Buffer.from("one"));
      throw new ServingError("unavailable", "no more");
    });
    const { session } = await setUp({ "/t.S/Fail": failing, "/t.S/None": streaming(async () => undefined) });
    expect(await call(session, "/t.S/Fail")).toMatchObject({
      status: 14,
      text: "no more",
      messages: ["one"],
      trailersOnly: false,
    });
    expect(await call(session, "/t.S/None")).toMatchObject({ status: 0, messages: [] });
  });

  test("a compressed message is inflated on its way", async () => {
    const { session } = await setUp({ "/t.S/Chat": echoAll });
    const body = Buffer.concat([framed(gzipSync("zipped"), true), framed(Buffer.from("plain"))]);
    expect((await call(session, "/t.S/Chat", body, { "grpc-encoding": "gzip" })).messages).toEqual(["zipped", "plain"]);
  });

  test("a cancelled call ends the messages, the signal and a waiting send", async () => {
    const ends: unknown[] = [];
    const done = deferred<void>();
    const waiting = deferred<void>();
    const watch = streaming(async (messages, send, { signal }) => {
      signal.addEventListener("abort", () => ends.push("signal"));
      const reading = (async () => {
        for await (const _ of messages) ends.push("message");
      })().catch((reason: unknown) => ends.push(reason));
      const sending = send(Buffer.alloc(1_000_000)).catch((reason: unknown) => ends.push(reason));
      waiting.resolve();
      await Promise.all([reading, sending]);
      await send(Buffer.from("more")).catch((reason: unknown) => ends.push(reason));
      done.resolve();
    });
    const { session } = await setUp({ "/t.S/Watch": watch });
    const { stream } = start(session, "/t.S/Watch");
    stream.pause();
    await waiting.promise;
    stream.close(8);
    await done.promise;
    expect(ends.length).toBe(4);
    expect(ends.filter((end) => end instanceof ServingError && end.code === "cancelled").length).toBe(3);
  });

  test("a deadline ends a watch", async () => {
    const clock = new FakeClock();
    const begun = deferred<void>();
    const watch = streaming(async (_, send) => {
      await send(Buffer.from("state"));
      begun.resolve();
      await new Promise<void>(() => undefined);
    });
    const { session } = await setUp({ "/t.S/Watch": watch }, { clock });
    const { outcome } = start(session, "/t.S/Watch", { "grpc-timeout": "3S" });
    await begun.promise;
    await clock.advance(3000);
    expect(await outcome).toMatchObject({ status: 4, messages: ["state"], trailersOnly: false });
  });
});
