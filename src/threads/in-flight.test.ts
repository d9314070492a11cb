import { describe, expect, test } from "vitest";
import { deferred } from "../base/deferred.ts";
import { Gauge } from "../metrics/cells.ts";
import type { GrpcCall, GrpcMethod } from "../transport/grpc/method.ts";
import type { HttpRequest, HttpResponse } from "../transport/http-exchange.ts";
import { countedHandler, countedMethod } from "./in-flight.ts";

const cell = () => {
  const values = new Float64Array(1);
  return { gauge: new Gauge(values), count: () => values[0] };
};
const request = {} as HttpRequest;
const call = {} as GrpcCall;
const response: HttpResponse = { status: 200, headers: [], body: new Uint8Array() };

describe("a handler", () => {
  test("that answers at once is never in flight and stays synchronous", () => {
    const { gauge, count } = cell();
    expect(countedHandler(() => response, gauge)(request)).toBe(response);
    expect(count()).toBe(0);
  });

  test("is in flight until its answer is there", async () => {
    const { gauge, count } = cell();
    const [first, second] = [deferred<HttpResponse>(), deferred<HttpResponse>()];
    const answers = [first, second];
    const handler = countedHandler(() => answers.shift()!.promise, gauge);
    const asked = [handler(request), handler(request)];
    expect(count()).toBe(2);
    first.resolve(response);
    expect(await asked[0]).toBe(response);
    expect(count()).toBe(1);
    second.resolve(response);
    await asked[1];
    expect(count()).toBe(0);
  });
});

describe("a method", () => {
  const unary = (run: () => Uint8Array | Promise<Uint8Array>): GrpcMethod => ({ kind: "unary", run });

  test("that fails is in flight no longer, and its error is passed on", async () => {
    const { gauge, count } = cell();
    const method = countedMethod(
      unary(() => Promise.reject(new Error("lost"))),
      gauge,
    );
    if (method.kind !== "unary") throw new Error("another kind");
    const answer = method.run(new Uint8Array(), call);
    expect(count()).toBe(1);
    await expect(answer).rejects.toThrow("lost");
    expect(count()).toBe(0);
  });

  test("that throws at once was never in flight", () => {
    const { gauge, count } = cell();
    const method = countedMethod(
      unary(() => {
        throw new Error("at once");
      }),
      gauge,
    );
    expect(() => method.kind === "unary" && method.run(new Uint8Array(), call)).toThrow("at once");
    expect(count()).toBe(0);
  });

  test("that streams is in flight until it ends", async () => {
    const { gauge, count } = cell();
    const end = deferred<void>();
    const method = countedMethod({ kind: "streaming", run: () => end.promise }, gauge);
    if (method.kind !== "streaming") throw new Error("another kind");
    const running = method.run((async function* () {})(), async () => {}, call);
    expect(count()).toBe(1);
    end.resolve();
    await running;
    expect(count()).toBe(0);
  });
});
