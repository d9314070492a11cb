import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import {
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthListResponseSchema,
} from "../../gen/grpc/health/v1/health_pb.ts";
import { fakeCall } from "../../transport/grpc/fake-call.ts";
import type { GrpcCall, StreamingMethod, UnaryMethod } from "../../transport/grpc/method.ts";
import { healthMethods } from "./health-methods.ts";
import type { Readiness } from "./readiness.ts";

const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

class Switches implements Readiness {
  readonly states = new Map<string, boolean>([["", true]]);
  readonly listeners = new Set<() => void>();

  isServing(name: string): boolean | undefined {
    return this.states.get(name);
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  set(name: string, serving: boolean): void {
    this.states.set(name, serving);
    for (const listener of this.listeners) listener();
  }
}

function request(service: string): Uint8Array {
  return toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service }));
}

function callWith(signal: AbortSignal): GrpcCall {
  return fakeCall({ path: "/grpc.health.v1.Health/Watch", signal });
}

const idle = callWith(new AbortController().signal);

async function* only(...messages: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* messages;
}

describe("Check", () => {
  const switches = new Switches();
  switches.states.set("half_plus_two", true);
  switches.states.set("loading", false);
  const method = healthMethods(switches).get("/grpc.health.v1.Health/Check") as UnaryMethod;
  const statusOf = (service: string) =>
    fromBinary(HealthCheckResponseSchema, method.run(request(service), idle) as Uint8Array).status;

  test.each([
    ["", SERVING],
    ["ModelService", SERVING],
    ["PredictionService", SERVING],
    ["tensorflow.serving.ModelService", SERVING],
    ["tensorflow.serving.PredictionService", SERVING],
    ["half_plus_two", SERVING],
    ["loading", NOT_SERVING],
  ])("of %j is %i", (service, status) => {
    expect(statusOf(service)).toBe(status);
  });

  test("of a name that is nothing is not-found", () => {
    expect(() => statusOf("nothing")).toThrow(
      new ServingError("not-found", '"nothing" is neither a service nor a model of this server'),
    );
  });

  test("of bytes that are no request is an invalid argument", () => {
    expect(() => method.run(Uint8Array.of(0x0a, 9), idle)).toThrow(/not a grpc.health.v1.HealthCheckRequest/);
  });

  test("follows the server when it is not ready", () => {
    const down = new Switches();
    down.states.set("", false);
    const run = healthMethods(down).get("/grpc.health.v1.Health/Check") as UnaryMethod;
    expect(fromBinary(HealthCheckResponseSchema, run.run(request("ModelService"), idle) as Uint8Array).status).toBe(NOT_SERVING);
  });
});

test("List tells the status of every service", () => {
  const method = healthMethods(new Switches()).get("/grpc.health.v1.Health/List") as UnaryMethod;
  const { statuses } = fromBinary(HealthListResponseSchema, method.run(new Uint8Array(0), idle) as Uint8Array);
  expect(statuses[""].status).toBe(SERVING);
  expect(statuses["tensorflow.serving.PredictionService"].status).toBe(SERVING);
});

describe("Watch", () => {
  function watching(switches: Switches, service: string) {
    const controller = new AbortController();
    const method = healthMethods(switches).get("/grpc.health.v1.Health/Watch") as StreamingMethod;
    const sent: number[] = [];
    const waiting: (() => void)[] = [];
    const send = async (message: Uint8Array) => {
      sent.push(fromBinary(HealthCheckResponseSchema, message).status);
      for (const resolve of waiting.splice(0)) resolve();
    };
    const ended = method.run(only(request(service)), send, callWith(controller.signal));
    const until = async (count: number) => {
      while (sent.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
      return sent;
    };
    return { controller, ended, sent, until };
  }

  test("sends the status at once, then each change, no repetition, and lets go when the call is gone", async () => {
    const switches = new Switches();
    const { controller, ended, until } = watching(switches, "m");
    expect(await until(1)).toEqual([SERVICE_UNKNOWN]);
    switches.set("m", false);
    expect(await until(2)).toEqual([SERVICE_UNKNOWN, NOT_SERVING]);
    switches.set("other", true);
    switches.set("m", false);
    switches.set("m", true);
    expect(await until(3)).toEqual([SERVICE_UNKNOWN, NOT_SERVING, SERVING]);
    controller.abort(new ServingError("cancelled", "the client went away"));
    await expect(ended).rejects.toThrow("the client went away");
    expect(switches.listeners.size).toBe(0);
  });

  test("a change while a status is being sent is not lost", async () => {
    const switches = new Switches();
    const method = healthMethods(switches).get("/grpc.health.v1.Health/Watch") as StreamingMethod;
    const controller = new AbortController();
    const sent: number[] = [];
    const send = async (message: Uint8Array) => {
      sent.push(fromBinary(HealthCheckResponseSchema, message).status);
      if (sent.length === 1) switches.set("", false);
      else controller.abort(new ServingError("cancelled", "enough"));
    };
    await expect(method.run(only(request("")), send, callWith(controller.signal))).rejects.toThrow("enough");
    expect(sent).toEqual([SERVING, NOT_SERVING]);
  });

  test("ends when a status cannot be sent", async () => {
    const switches = new Switches();
    const method = healthMethods(switches).get("/grpc.health.v1.Health/Watch") as StreamingMethod;
    const send = () => Promise.reject(new ServingError("cancelled", "the connection is lost"));
    await expect(method.run(only(request("")), send, idle)).rejects.toThrow("the connection is lost");
    expect(switches.listeners.size).toBe(0);
  });

  test("without a message is an invalid argument", async () => {
    const method = healthMethods(new Switches()).get("/grpc.health.v1.Health/Watch") as StreamingMethod;
    await expect(method.run(only(), async () => {}, idle)).rejects.toThrow(/got none/);
  });
});
