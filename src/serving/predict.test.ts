import { describe, expect, test } from "vitest";
import type { Signature, TensorInfo } from "../tensor/signature.ts";
import { checkInputNames, wantedOutputs } from "./predict.ts";

const info = (alias: string, optional = false): TensorInfo => ({ alias, name: alias, dtype: "float32", shape: [-1], optional });
const signature: Signature = { inputs: [info("b"), info("a"), info("k", true)], outputs: [info("y"), info("z")], methodName: "" };
const given = (...names: string[]) => new Map(names.map((name) => [name, true]));

describe("the inputs of a request", () => {
  test.each([[["a", "b"]], [["b", "a", "k"]]])("%j are those of the signature", (names) => {
    expect(() => checkInputNames(signature, given(...names))).not.toThrow();
  });

  test.each([
    [
      ["a"],
      "Signature input alias: b(feed name: b) not found in request and no default value provided. " +
        "Inputs expected to be in the request {a,b,k}, or default input alias set: {k}",
    ],
    [
      ["a", "b", "k", "q", "p"],
      "input size does not match signature: 5!=3 len({a,b,k,p,q}) != len({a,b,k}). Sent extra: {p,q}. Missing but required: {}.",
    ],
    [
      ["a", "x", "y"],
      "Signature input alias: b(feed name: b) not found in request and no default value provided. " +
        "Inputs expected to be in the request {a,b,k}, or default input alias set: {k}",
    ],
    [
      ["a", "b", "__proto__"],
      "input size does not match signature: 3!=3 len({__proto__,a,b}) != len({a,b,k}). Sent extra: {__proto__}. Missing but required: {}.",
    ],
  ])("%j are refused", (names, message) => {
    expect(() => checkInputNames(signature, given(...names))).toThrow(
      expect.objectContaining({ code: "invalid-argument", message }),
    );
  });
});

describe("a matrix that may come as columns", () => {
  const column = (alias: string): TensorInfo => ({ ...info(alias, true), columnOf: "X" });
  const tabular: Signature = { ...signature, inputs: [info("X", true), column("a"), column("b")] };

  test.each([[["X"]], [["a", "b"]], [["b"]]])("%j are those of the signature", (names) => {
    expect(() => checkInputNames(tabular, given(...names))).not.toThrow();
  });

  test("is listed without its columns, but for those that were sent", () => {
    const message = (names: string[], declared: string) =>
      `input size does not match signature: ${names.length}!=${declared.split(",").length} len({${names.join()}}) != len({${declared}}). ` +
      "Sent extra: {q}. Missing but required: {}.";
    expect(() => checkInputNames(tabular, given("X", "q"))).toThrow(message(["X", "q"], "X"));
    expect(() => checkInputNames(tabular, given("a", "q"))).toThrow(message(["a", "q"], "X,a"));
  });
});

test("without defaults a request of fewer inputs is told their number", () => {
  const plain: Signature = { ...signature, inputs: [info("a"), info("b")] };
  const message = "input size does not match signature: 1!=2 len({a}) != len({a,b}). Sent extra: {}. Missing but required: {b}.";
  expect(() => checkInputNames(plain, given("a"))).toThrow(expect.objectContaining({ code: "invalid-argument", message }));
});

describe("the outputs of a request", () => {
  test("are all of the signature's when it names none", () => expect(wantedOutputs(signature, [])).toEqual(["y", "z"]));
  test("come in its own order", () => expect(wantedOutputs(signature, ["z", "y"])).toEqual(["z", "y"]));
  test.each([
    [["q"], "output tensor alias not found in signature: q Outputs expected to be in the set {y,z}."],
    [["y", "y"], "duplicate output tensor alias: y"],
  ])("%j are refused", (filter, message) => {
    expect(() => wantedOutputs(signature, filter)).toThrow(expect.objectContaining({ code: "invalid-argument", message }));
  });
});
