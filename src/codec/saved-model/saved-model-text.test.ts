import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { readSignatureDef } from "../read-signature-def.ts";
import { readSavedModel, type SavedModel } from "./saved-model.ts";
import { readSavedModelText } from "./saved-model-text.ts";
import { TestWindow } from "./test-window.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures/tensorflow");

/** Signatures by what they say: the order of a map's entries means nothing. */
function read({ schemaVersion, metaGraphs }: SavedModel): unknown {
  const signatures = (graph: SavedModel["metaGraphs"][number]) =>
    new Map(
      [...graph.signatures].map(([name, bytes]) => {
        const { signature, defaults } = readSignatureDef(bytes);
        return [name, { ...signature, definition: undefined, defaults }];
      }),
    );
  return { schemaVersion, metaGraphs: metaGraphs.map((graph) => ({ ...graph, signatures: signatures(graph) })) };
}

test.each([
  ["TensorFlow 2", "reading/tf2_text", "tf2_two_versions"],
  ["a signature with defaults", "reading/default_inputs_text", "reading/default_inputs"],
])("reads the text of %s as its bytes", async (_, text, binary) => {
  const bytes = readFileSync(join(FIXTURES, binary, "1/saved_model.pb"));
  const expected = await readSavedModel(new TestWindow(bytes), "m.pb", new AbortController().signal);
  const model = readSavedModelText(readFileSync(join(FIXTURES, text, "1/saved_model.pbtxt"), "utf8"), "m.pbtxt");
  expect(read(model)).toEqual(read(expected));
});

test("passes over what it does not know", () => {
  const text = `saved_model_schema_version: 1 novelty: 5
    meta_graphs { object_graph_def { nodes { children < > } } meta_info_def { tags: "serve" any_info { [type.googleapis.com/x.Y] { z: 1 } } } }`;
  expect(readSavedModelText(text, "m.pbtxt").metaGraphs).toMatchObject([{ tags: ["serve"] }]);
});

describe("refuses, naming the file", () => {
  test.each([
    ["", "m.pbtxt is not a SavedModel: it holds no graph"],
    ["node { name: 'x' op: 'Const' }", "m.pbtxt is not a SavedModel: it holds no graph"],
    ["meta_graphs {\n  signature_def {", 'm.pbtxt is not a sound SavedModel: 2:18: expected "}", got the end of the text'],
    ["\x00", String.raw`m.pbtxt is not a sound SavedModel: 1:1: unexpected character "\u0000"`],
  ])("%j", (text, message) => {
    expect(() => readSavedModelText(text, "m.pbtxt")).toThrow(
      expect.objectContaining({ name: "ServingError", code: "invalid-argument", message }),
    );
  });
});
