import { expect, test } from "vitest";
import type { GrpcCall, GrpcMethod } from "../transport/grpc/method.ts";
import { guardedMethod } from "./access-wiring.ts";

const echo: GrpcMethod = { kind: "unary", run: (message) => message };
const RELOAD = "/tensorflow.serving.ModelService/HandleReloadConfigRequest";
const PREDICT = "/tensorflow.serving.PredictionService/Predict";

test("a method that the table of grants does not know cannot be served", () => {
  expect(() => guardedMethod("/tensorflow.serving.PredictionService/New", echo)).toThrow("has no entry in");
});

test.each([
  [RELOAD, {}, "served"],
  [RELOAD, { origin: "https://a.example" }, "refused"],
  [RELOAD, { "sec-fetch-site": "cross-site" }, "refused"],
  [PREDICT, { origin: "https://a.example" }, "served"],
])("%s with %o is %s, whoever may call", async (path, metadata, expected) => {
  const method = guardedMethod(path, echo);
  if (method.kind !== "unary") throw new Error("not a unary method");
  const call = { metadata: (name: string) => (metadata as Record<string, string>)[name] } as GrpcCall;
  const outcome = await Promise.resolve()
    .then(() => method.run(new Uint8Array(), call))
    .then(
      () => "served",
      (reason: { code: string }) => (reason.code === "permission-denied" ? "refused" : reason),
    );
  expect(outcome).toBe(expected);
});
