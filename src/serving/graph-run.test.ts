import { describe, expect, test } from "vitest";
import { AllocationBudget } from "../codec/allocation-budget.ts";
import type { SessionRunRequest } from "../codec/session-run-message.ts";
import { encodeTensorProto } from "../codec/tensor-proto-plan.ts";
import type { Signature } from "../tensor/signature.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { graphRun } from "./graph-run.ts";

const one: Tensor = { dtype: "float32", shape: [1], data: Float32Array.of(1) };
const bytes = encodeTensorProto(one);

function request(changes: Partial<SessionRunRequest>): SessionRunRequest {
  const nothing = { feeds: [], fetches: [], targets: [], timeoutMs: 0, namesAreAliases: false };
  return { ...nothing, message: new Uint8Array(0), budget: new AllocationBudget(), ...changes };
}

const info = (alias: string, name: string) => ({ alias, name, dtype: "float32", shape: [-1] }) as const;
const signature: Signature = { inputs: [info("x", "in:0"), info("also", "in:0")], outputs: [info("y", "out:1")], methodName: "" };
const signatures = new Map([["serving_default", signature]]);

test("names are the graph's own", () => {
  const asked = request({ feeds: [{ name: "x:0", tensor: bytes }], fetches: ["y:0", "y:0"] });
  expect(graphRun(asked, "", signatures)).toEqual({ feeds: new Map([["x:0", one]]), fetches: ["y:0", "y:0"] });
});

test("aliases are looked up in the signature", () => {
  const asked = request({ feeds: [{ name: "x", tensor: bytes }], fetches: ["y"], namesAreAliases: true });
  expect(graphRun(asked, "serving_default", signatures)).toEqual({ feeds: new Map([["in:0", one]]), fetches: ["out:1"] });
});

describe("what is refused", () => {
  const feed = (name: string, tensor = bytes) => ({ name, tensor });
  const aliased = { namesAreAliases: true };

  test.each<[string, Partial<SessionRunRequest>, string, string]>([
    ["a tensor fed twice", { feeds: [feed("x:0"), feed("x:0")] }, "invalid-argument", 'Endpoint "x:0" fed more than once.'],
    [
      "two aliases of one tensor",
      { feeds: [feed("x"), feed("also")], ...aliased },
      "invalid-argument",
      'Endpoint "in:0" fed more than once.',
    ],
    [
      "a tensor that cannot be read",
      { feeds: [feed("x:0", Uint8Array.of(0x12, 5))] },
      "invalid-argument",
      "tensor parsing error: x:0",
    ],
    ["a feed without a tensor", { feeds: [feed("x:0", new Uint8Array(0))] }, "invalid-argument", "tensor parsing error: x:0"],
    [
      "an unknown alias of an input",
      { feeds: [feed("y")], ...aliased },
      "invalid-argument",
      'signature "serving_default" has no input "y" (it has: x, also)',
    ],
    [
      "an unknown alias of an output",
      { fetches: ["x"], ...aliased },
      "invalid-argument",
      'signature "serving_default" has no output "x" (it has: y)',
    ],
  ])("%s", (_, changes, code, message) => {
    expect(() => graphRun(request(changes), "serving_default", signatures)).toThrow(expect.objectContaining({ code, message }));
  });

  test("aliases of an unknown signature", () => {
    expect(() => graphRun(request(aliased), "q", signatures)).toThrow(
      expect.objectContaining({ code: "failed-precondition", message: 'Serving signature key "q" not found.' }),
    );
  });
});
