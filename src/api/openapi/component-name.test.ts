import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { componentName } from "./component-name.ts";

test("plain names stay as they are", () => {
  expect(componentName("iris")).toBe("iris");
  expect(componentName("iris_2", "serving_default")).toBe("iris_2.serving_default");
  expect(componentName("__proto__")).toBe("__proto__");
});

test.each(["a/b", "a b", "a.b", "{a}", "a~1b", "naïve", "", "x".repeat(65), "100%"])(
  "%j becomes a name of the letters that components may have, with a digest",
  (name) => {
    expect(componentName(name)).toMatch(/^[A-Za-z0-9_-]*\.[0-9a-f]{32}$/);
  },
);

describe("two lists of names", () => {
  const name = fc.oneof(fc.string({ unit: "binary", maxLength: 6 }), fc.stringMatching(/^[ab._/-]{0,4}$/));

  test.each([1, 2])("of length %i get different components when they differ", (length) => {
    const names = fc.array(name, { minLength: length, maxLength: length });
    fc.assert(
      fc.property(names, names, (one, other) => {
        const [first, second] = [componentName(...one), componentName(...other)];
        expect(first === second).toBe(JSON.stringify(one) === JSON.stringify(other));
        expect(first).toMatch(/^[A-Za-z0-9._-]+$/);
      }),
    );
  });

  test("are not taken for each other where a name holds what lies between them", () => {
    expect(componentName("a", "b.c")).not.toBe(componentName("a.b", "c"));
  });
});
