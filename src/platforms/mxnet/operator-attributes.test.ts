import { describe, expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import { OperatorAttributes } from "./operator-attributes.ts";

function of(text: string): OperatorAttributes {
  return new OperatorAttributes(new Map([["a", text]]), (code, message) => new ServingError(code, message));
}

describe("settings in Python's manner", () => {
  test.each([
    ["(3, 3)", [3, 3]],
    ["[3,3]", [3, 3]],
    ["(3L, 3L)", [3, 3]],
    ["(2,)", [2]],
    ["7", [7]],
    ["()", undefined],
    ["None", undefined],
  ])("%s as whole numbers", (text, expected) => {
    expect(of(text).integers("a")).toEqual(expected);
  });

  test.each([
    ["1e-05", 1e-5],
    ["-inf", Number.NEGATIVE_INFINITY],
    ["3L", 3],
    ["True", 1],
    [" 0.25 ", 0.25],
  ])("%s as a number", (text, expected) => {
    expect(of(text).number("a", 9)).toBe(expected);
  });

  test.each([
    ["True", true],
    ["1", true],
    ["False", false],
    ["0", false],
  ])("%s as true or false", (text, expected) => {
    expect(of(text).boolean("a", !expected)).toBe(expected);
  });

  test("a tuple with None in it", () => {
    expect(of("(None, 2)").sparseIntegers("a")).toEqual([undefined, 2]);
  });

  test.each<[string, (attributes: OperatorAttributes) => unknown, string]>([
    ["many", (each) => each.number("a", 0), 'a is "many" where a number is expected'],
    ["", (each) => each.number("a", 0), 'a is "" where a number is expected'],
    ["1.5", (each) => each.integer("a"), 'a is "1.5" where a whole number is expected'],
    ["(1, None)", (each) => each.integers("a"), 'a is "(1, None)" where a list of whole numbers is expected'],
    ["yes", (each) => each.boolean("a", true), 'a is "yes" where True or False is expected'],
    ["c", (each) => each.choice("a", undefined, ["b"]), 'a is "c", which is not covered (covered: b)'],
    ["float8", (each) => each.dtype("a"), 'a is "float8", which is not covered'],
    ["None", (each) => each.integer("a"), "it has no a"],
  ])("%s is refused where it does not fit", (text, ask, message) => {
    expect(() => ask(of(text))).toThrow(message);
  });
});

test("what nobody asked for is refused, but for what does not matter", () => {
  const fault = (code: "invalid-argument" | "unimplemented", message: string) => new ServingError(code, message);
  const idle = ["workspace", "__shape__", "ctx_group", "weight_lr_mult", "__force_mirroring__"];
  const attributes = new OperatorAttributes(new Map([...idle, "scale"].map((name) => [name, "1"])), fault);
  expect(() => attributes.expectAllRead()).toThrow('its setting scale="1" is not known');
  attributes.number("scale", 0);
  attributes.expectAllRead();
});
