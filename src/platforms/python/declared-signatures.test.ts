import { expect, test } from "vitest";
import { parseDeclaredSignatures } from "./declared-signatures.ts";

test("several signatures have names, a lone one is the default", () => {
  const one = { inputs: { x: { dtype: "int64", shape: [-1] } }, outputs: { y: { dtype: "float32" } } };
  const read = { inputs: [{ name: "x", dtype: "int64", shape: [-1] }], outputs: [{ name: "y", dtype: "float32" }] };
  expect(parseDeclaredSignatures(JSON.stringify(one), "signature.json")).toEqual([{ name: "serving_default", ...read }]);
  const two = { signatures: { a: one, b: { inputs: { z: { dtype: "string", optional: true } } } } };
  expect(parseDeclaredSignatures(JSON.stringify(two), "signature.json")).toEqual([
    { name: "a", ...read },
    { name: "b", inputs: [{ name: "z", dtype: "string", optional: true }] },
  ]);
});

test.each([
  ["{", "signature.json is no JSON"],
  ["[]", "signature.json: it must be a mapping"],
  ["{}", 'signature.json: signature "serving_default" has no inputs'],
  ['{"signatures": {}}', "signature.json: it has no signatures"],
  ['{"inputs": [1]}', "signature.json: inputs must be a mapping"],
  ['{"inputs": {"x": "float32"}}', 'signature.json: input "x" must be a mapping'],
  ['{"inputs": {"x": {"dtype": "f4"}}}', 'signature.json: input "x" has the dtype "f4"'],
  ['{"inputs": {"x": {"dtype": "int8", "shape": [-2]}}}', 'signature.json: input "x" has a shape that is no list of sizes'],
  ['{"inputs": {"x": {"dtype": "int8", "sahpe": [1]}}}', 'signature.json: input "x" has the unknown key "sahpe"'],
  ['{"inputs": {}, "outputs": {"y": {}}}', 'signature.json: output "y" has the dtype undefined'],
])("%s is refused", (text, message) => {
  expect(() => parseDeclaredSignatures(text, "signature.json")).toThrow(message);
});
