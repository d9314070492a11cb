import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseProcessing } from "../../src/config/processing-document.ts";
import { planProcessing, vocabularyFiles } from "../../src/processing/plan-processing.ts";
import { PREDICT_METHOD, type Signatures, type TensorInfo } from "../../src/tensor/signature.ts";
import { packStrings } from "../../src/tensor/string-array.ts";

const document = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");
const blocks = [...document("guide/processing.md").matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => text);

const info = (alias: string, dtype: TensorInfo["dtype"], ...shape: readonly number[]): TensorInfo => ({
  alias,
  name: alias,
  dtype,
  shape,
});
const signatures = (inputs: readonly TensorInfo[], outputs: readonly TensorInfo[]): Signatures =>
  new Map([["serving_default", { inputs, outputs, methodName: PREDICT_METHOD }]]);

/** The models that the guide's examples are for, in its order. */
const CLASSIFIER = signatures([info("input", "float32", -1, 3, 224, 224)], [info("logits", "float32", -1, 1000)]);
const TABLE = signatures([info("X", "float32", -1, 5)], [info("label", "int64", -1), info("probabilities", "float32", -1, 2)]);
const SCORES = signatures([info("x", "float32", -1)], [info("scores", "float32", -1, 1000)]);

test.each([
  [
    "the classifier",
    0,
    CLASSIFIER,
    "serving_default",
    "image uint8 -1,224,224,3 | names string -1,5 | probabilities float32 -1,5",
  ],
  ["encoded pictures", 1, CLASSIFIER, "serving_default", "file string -1 | logits float32 -1,1000"],
  [
    "the table",
    2,
    TABLE,
    "serving_default",
    "age int32 -1 | income float32 -1 | home string -1 | decision string -1 | p_grant float32 -1 | sure bool -1",
  ],
  ["another signature", 3, SCORES, "best", "x float32 -1 | best string -1"],
  ["the smallest file", 4, SCORES, "serving_default", "x float32 -1 | scores float32 -1,1000"],
])("the guide's example of %s fits its model", (_, index, model, name, expected) => {
  const declared = parseProcessing(blocks[index], "processing.yaml");
  const labels = packStrings(Array.from({ length: 1000 }, (_unused, i) => `class ${i}`));
  const vocabularies = new Map([...vocabularyFiles(declared)].map((file) => [file, labels]));
  const { inputs, outputs } = planProcessing({ ...declared, vocabularies }, model).signatures.get(name)!;
  expect([...inputs, ...outputs].map(({ alias, dtype, shape }) => `${alias} ${dtype} ${shape?.join()}`).join(" | ")).toBe(
    expected,
  );
  expect(blocks).toHaveLength(5);
});

test("the reference has a section for every step, and names all of its members", () => {
  const reference = document("reference/processing.md");
  const schema = JSON.parse(readFileSync(new URL("../../schema/processing.schema.json", import.meta.url), "utf8")) as {
    $defs: { step: { properties: Record<string, { properties?: object; anyOf?: readonly { properties?: object }[] }> } };
  };
  const kinds = Object.entries(schema.$defs.step.properties);
  const sections = new Map(
    reference
      .split("\n### ")
      .slice(1)
      .map((text) => [text.slice(0, text.indexOf("\n")), text]),
  );
  expect([...sections.keys()]).toEqual(kinds.map(([kind]) => kind));
  const common = new Set(["input", "output", "axis"]);
  const missing = kinds.flatMap(([kind, { properties, anyOf }]) =>
    Object.keys(properties ?? anyOf?.[0]?.properties ?? {})
      .filter((member) => !common.has(member) && !sections.get(kind)!.includes(`\`${member}\``))
      .map((member) => `${kind}.${member}`),
  );
  expect(missing).toEqual([]);
});
