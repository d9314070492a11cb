import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { encodeModel } from "../../src/graph/encode-model.ts";
import type { OnnxGraphProgram } from "../../src/model/program.ts";
import { ExportedPart } from "../../src/platforms/pytorch/exported-part.ts";
import { readExportedProgram } from "../../src/platforms/pytorch/exported-program.ts";
import { importProgram, type Weight } from "../../src/platforms/pytorch/import-program.ts";
import { OPERATORS } from "../../src/platforms/pytorch/operators.ts";
import { pt2Platform } from "../../src/platforms/pytorch/pt2-platform.ts";
import { fixture } from "../support/folders.ts";
import { type FrameworkCase, type FrameworkTensor, tensorOf, worstDifference } from "../support/run-program.ts";

const TOLERANCE = 1e-5;
const { signal } = new AbortController();

/** The fixtures have TensorFlow's names of types. */
const DTYPES: Readonly<Record<string, FrameworkTensor["dtype"]>> = { DT_FLOAT: "float32", DT_INT64: "int64", DT_BOOL: "bool" };

const renamed = (tensors: FrameworkCase["inputs"]) =>
  Object.fromEntries(Object.entries(tensors).map(([name, each]) => [name, { ...each, dtype: DTYPES[each.dtype]! }]));

test.each(["mlp_pt2", "convnet_pt2", "encoder_pt2", "pairtuple_pt2", "former_layout_pt2"])(
  "%s answers as torch did",
  async (name) => {
    const golden = JSON.parse(readFileSync(fixture("pytorch", name, "golden.json"), "utf8")) as FrameworkCase[];
    const cases = golden.map(({ inputs, outputs }) => ({ inputs: renamed(inputs), outputs: renamed(outputs) }));
    const program = await pt2Platform.read(fixture("pytorch", name, "model.pt2"), signal);
    expect(await worstDifference(program, cases)).toBeLessThan(TOLERANCE);
  },
);

interface PackedProgram {
  readonly name: string;
  readonly program: {
    graph_module: { signature: { input_specs: Record<string, { arg: { name: string }; value?: FrameworkTensor }>[] } };
  };
  readonly cases: readonly FrameworkCase[];
}

const PACKED = readFileSync(fixture("pytorch", "operators.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as PackedProgram);

/** Constants lie beside their names here. */
function constantsOf({ program }: PackedProgram): ReadonlyMap<string, Weight> {
  const found = new Map<string, Weight>();
  for (const { arg, value } of program.graph_module.signature.input_specs.flatMap((spec) => Object.values(spec))) {
    if (value !== undefined) found.set(arg.name, tensorOf(value));
  }
  return found;
}

async function programOf(packed: PackedProgram): Promise<OnnxGraphProgram> {
  const constants = constantsOf(packed);
  const program = await readExportedProgram(new ExportedPart(packed.program, "model.json"), signal);
  const graph = await importProgram(program, (name) => constants.get(name), signal);
  return { runtime: "onnxruntime", source: "model.pt2", ...encodeModel(graph) };
}

describe("small programs answer as torch did", () => {
  test.each(PACKED)("$name", async (packed) => {
    expect(await worstDifference(await programOf(packed), packed.cases)).toBeLessThan(TOLERANCE);
  });
});

test("every operation that is covered has a name of its own", () => {
  const names = OPERATORS.flatMap((entry) => entry.names);
  expect(new Set(names).size).toBe(names.length);
});
