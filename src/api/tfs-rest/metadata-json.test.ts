import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { readSignatureDef } from "../../codec/read-signature-def.ts";
import { readSavedModel } from "../../codec/saved-model/saved-model.ts";
import { TestWindow } from "../../codec/saved-model/test-window.ts";
import { metadataJson } from "./metadata-json.ts";

const ODD = resolve(import.meta.dirname, "../../../test/fixtures/tensorflow/reading/odd_signatures");

test("prints the signatures of a SavedModel as TensorFlow's own classes print them, every default field included", async () => {
  const bytes = readFileSync(join(ODD, "1/saved_model.pb"));
  const { metaGraphs } = await readSavedModel(new TestWindow(bytes), "saved_model.pb", new AbortController().signal);
  const signatures = [...metaGraphs[0]!.signatures].map(
    ([name, definition]) => [name, readSignatureDef(definition).signature] as const,
  );
  const printed: unknown = JSON.parse(Buffer.from(metadataJson("m", 7n, new Map(signatures))).toString());
  const expected: unknown = JSON.parse(readFileSync(join(ODD, "expected.json"), "utf8"));
  expect(printed).toEqual({
    model_spec: { name: "m", signature_name: "", version: "7" },
    metadata: { signature_def: { signature_def: expected } },
  });
});
