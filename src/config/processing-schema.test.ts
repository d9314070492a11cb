import { expect, test } from "vitest";
import { processingJsonSchema, processingSchema } from "./processing-schema.ts";

/** Every value of a key, anywhere inside. */
function valuesOf(key: string, inside: unknown): unknown[] {
  if (typeof inside !== "object" || inside === null) return [];
  return Object.entries(inside).flatMap(([name, value]) => [...(name === key ? [value] : []), ...valuesOf(key, value)]);
}

test("every reference of the JSON Schema leads to one of its definitions", () => {
  const schema = processingJsonSchema() as { readonly $defs: object };
  const references = new Set(valuesOf("$ref", schema));
  expect(references.size).toBeGreaterThan(0);
  for (const reference of references) {
    const [, name] = /^#\/\$defs\/(\w+)$/.exec(String(reference))!;
    expect(schema.$defs).toHaveProperty(name);
  }
});

test("every step and every part of a file is in the JSON Schema, and says what it is", () => {
  const schema = processingJsonSchema() as {
    readonly properties: object;
    readonly $defs: { readonly step: { readonly properties: object } };
  };
  expect(Object.keys(schema.properties)).toEqual(Object.keys(processingSchema.shape));
  const undescribed = Object.entries(schema.$defs.step.properties).filter(
    ([, step]) => valuesOf("description", step).length === 0,
  );
  expect(undescribed).toEqual([]);
});
