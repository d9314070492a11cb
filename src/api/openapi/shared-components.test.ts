import { describe, expect, test } from "vitest";
import { IMAGE_RULES, readImageRules } from "../../codec/image/image-rules.ts";
import type { JsonObject } from "./json.ts";
import { IMAGE_PARAMETERS, SCHEMAS } from "./shared-components.ts";

interface RuleSchema {
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
}

const schemaOf = (rule: string) => (IMAGE_PARAMETERS[rule] as unknown as { readonly schema: RuleSchema }).schema;

/** Whether the rule's schema takes a text. */
function takes(rule: string, text: string): boolean {
  const { enum: values, pattern, minLength = 0 } = schemaOf(rule);
  return (
    values?.includes(text) !== false && (pattern === undefined || new RegExp(pattern).test(text)) && text.length >= minLength
  );
}

describe("rules for images", () => {
  test("are those that the server reads, in the query and in forms", () => {
    expect(Object.keys(IMAGE_PARAMETERS).sort()).toEqual([...IMAGE_RULES].sort());
    const form = SCHEMAS.ImageForm as JsonObject & { readonly properties: object };
    expect(Object.keys(form.properties)).toEqual(expect.arrayContaining([...IMAGE_RULES]));
  });

  test.each(["channels", "layout", "preset"])("%s has values that the server takes", (rule) => {
    for (const value of schemaOf(rule).enum!) expect(() => readImageRules([[rule, value]])).not.toThrow();
  });

  test.each<[string, string, boolean]>([
    ["input", "x", true],
    ["input", "", false],
    ["resize", "cover", true],
    ["resize", "32x16", true],
    ["resize", "larger", false],
    ["size", "32x16", true],
    ["size", "32", false],
    ["scale", "1/255", true],
    ["scale", "0.5", true],
    ["scale", "half", false],
    ["mean", "0.485, 0.456,0.406", true],
    ["mean", "1,2,3,4,5", false],
    ["std", "1e-3", true],
    ["background", "#00ff00", true],
    ["background", "green", false],
  ])("%s of %j is taken by schema and server alike: %s", (rule, text, taken) => {
    expect(takes(rule, text)).toBe(taken);
    const read = () => readImageRules([[rule, text]]);
    if (taken) expect(read).not.toThrow();
    else expect(read).toThrow();
  });
});
