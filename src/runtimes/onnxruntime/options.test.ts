import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { BIG_MODEL_BYTES } from "../run-pace.ts";
import { resolveSessionOptions } from "./options.ts";

test("a small model runs on the thread that asks, a big one on every core", () => {
  expect(resolveSessionOptions({}, {}, BIG_MODEL_BYTES - 1).intraOpThreads).toBe(1);
  expect(resolveSessionOptions({}, {}, BIG_MODEL_BYTES).intraOpThreads).toBe(availableParallelism());
});

test("a model's options win over the runtime's, and what is undefined hides nothing", () => {
  const runtime = { intraOpThreads: 3, interOpThreads: 2, executionProviders: ["cuda"] };
  const model = { intraOpThreads: 5, interOpThreads: undefined, graphOptimizationLevel: "basic" as const };
  expect(resolveSessionOptions(runtime, model)).toEqual({
    executionProviders: ["cuda"],
    graphOptimizationLevel: 1,
    intraOpThreads: 5,
    interOpThreads: 2,
  });
});

test.each([0, -1, 1.5, Number.NaN, 100_000])("%d threads are refused", (interOpThreads) => {
  expect(() => resolveSessionOptions({ interOpThreads })).toThrow(/interOpThreads must be a whole number/);
});

test("an unknown optimization level is refused", () => {
  expect(() => resolveSessionOptions({ graphOptimizationLevel: "toString" as never })).toThrow(/must be one of disabled, basic/);
});
