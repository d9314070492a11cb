import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { modelConfigJsonSchema } from "./model-config-schema.ts";

interface Part {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Part>>;
  readonly anyOf?: readonly Part[];
  readonly items?: Part;
  readonly additionalProperties?: Part | boolean;
  readonly type?: string;
}

const schema = JSON.parse(JSON.stringify(modelConfigJsonSchema())) as Part & { readonly required: readonly string[] };

test("the published JSON Schema is what the reader takes: run scripts/write-model-config-schema.mjs after a change", () => {
  const published = readFileSync(new URL("../../schema/model-config.schema.json", import.meta.url), "utf8");
  expect(JSON.parse(published)).toEqual(schema);
});

test("the JSON Schema tells editors every key, what it means, and what may be left out", () => {
  expect(schema.required).toEqual(["models"]);
  const [list, map] = schema.properties!.models!.anyOf!;
  const model = list!.items!.properties!;
  expect(Object.keys(model)).toEqual([
    "name",
    "base_path",
    "platform",
    "version_policy",
    "labels",
    "traffic_split",
    "logging",
    "batching",
    "session_config",
    "session_target",
    "custom_op_paths",
    "saved_model_tags",
    "python",
    "allow_code",
    "workers",
    "device",
    "python_timeout_seconds",
    "python_memory_limit_bytes",
    "python_spare",
  ]);
  for (const [key, { description }] of Object.entries(model)) expect([key, description]).toEqual([key, expect.any(String)]);
  expect(map!.additionalProperties).toMatchObject({ additionalProperties: false, required: ["base_path"] });
  expect(model.session_config).toMatchObject({ type: "object" });
  expect(model.labels!.additionalProperties).toMatchObject({ type: "integer", format: "int64" });
  expect(model.traffic_split!.additionalProperties).toMatchObject({ type: "number", exclusiveMinimum: 0 });
});
