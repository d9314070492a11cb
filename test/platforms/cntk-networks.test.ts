import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../src/base/serving-error.ts";
import { cntkPlatform } from "../../src/platforms/cntk/cntk-platform.ts";
import { dictionaryBytes, FREE, modelBytes, type TestFunction, type TestVariable } from "../../src/platforms/cntk/test-model.ts";
import type { NumericTensor } from "../../src/tensor/tensor.ts";
import { fixture, temporaryFolders } from "../support/folders.ts";
import { loadProgram } from "../support/run-program.ts";

const { signal } = new AbortController();
const newFolder = temporaryFolders();
/** A file of a folder of its own, with some bytes. */
function written(bytes: Uint8Array, name = "model.model"): string {
  const file = join(newFolder(), name);
  writeFileSync(file, bytes);
  return file;
}

const BATCH = ["defaultBatchAxis"];
const SEQUENCE = ["defaultDynamicAxis", "defaultBatchAxis"];
const INPUT: TestVariable = { uid: "Input1", name: "x", kind: 0, shape: [3n], axes: BATCH };
const ONE: TestVariable = { uid: "Constant1", kind: 3, shape: [], values: [1] };

const modelFile = (root: string, variables: readonly TestVariable[], functions: readonly TestFunction[]) =>
  written(modelBytes(root, variables, functions));

async function namesOf(file: string): Promise<{ inputs: string[]; outputs: string[] }> {
  const loaded = await loadProgram(await cntkPlatform.read(file, signal));
  const { inputs, outputs } = loaded.signature;
  await loaded.close();
  const text = ({ alias, shape, dimensionNames }: (typeof inputs)[number]) =>
    `${alias} [${shape!.map((size, i) => dimensionNames?.[i] || size).join(", ")}]`;
  return { inputs: inputs.map(text), outputs: outputs.map(text) };
}

describe("inputs and outputs have the network's names", () => {
  test("the batch, sequences by their axis, and sizes that a call tells are symbols", async () => {
    const sequence = { uid: "Input2", name: "s", kind: 0, shape: [4n, FREE], axes: SEQUENCE };
    const other = { uid: "Input3", kind: 0, shape: [2n], axes: ["batch", "defaultBatchAxis"] };
    const functions = [
      { uid: "Tanh1", op: 2, name: "y", inputs: ["Input2"] },
      { uid: "Tanh2", op: 2, inputs: ["Input3"] },
      { uid: "Combine1", op: 44, inputs: ["Tanh1_Output_0", "Tanh2_Output_0"] },
    ];
    expect(await namesOf(modelFile("Combine1", [sequence, other], functions))).toEqual({
      inputs: ["s [batch, sequence, s_2, 4]", "Input3 [batch, batch_, 2]"],
      outputs: ["y [batch, sequence, s_2, 4]", "Tanh2_Output_0 [batch, batch_, 2]"],
    });
  });

  test("a block's name is its output's, and an output of an input's name has its own uid", async () => {
    const placeholder = { uid: "Placeholder1", kind: 4, shape: [3n], axes: BATCH };
    const block = {
      uid: "Block1",
      op: 57,
      name: "layer",
      inputs: ["Input1"],
      more: {
        block_function_op_name: "Dense",
        block_function_composite: { entries: { type: "CompositeFunction", root: "Tanh1" } },
        block_function_composite_arguments_map_keys: ["Placeholder1"],
        block_function_composite_arguments_map_values: ["Input1"],
      },
    };
    const functions = [
      { uid: "Tanh1", op: 2, name: "inner", inputs: ["Placeholder1"] },
      block,
      { uid: "Combine1", op: 44, inputs: ["Block1_Output_0", "Input1"] },
    ];
    expect(await namesOf(modelFile("Combine1", [INPUT, placeholder], functions))).toMatchObject({
      outputs: ["layer [batch, 3]", "Input1 [batch, 3]"],
    });
  });

  test("losses and metrics that a model gives beside its outputs are left out, with their labels", async () => {
    const label = { uid: "Input2", name: "label", kind: 0, shape: [3n], axes: BATCH };
    const functions = [
      { uid: "Softmax1", op: 10, name: "p", inputs: ["Input1"] },
      { uid: "Loss1", op: 35, inputs: ["Input1", "Input2"] },
      { uid: "Negate1", op: 0, inputs: ["Loss1_Output_0"] },
      { uid: "Combine1", op: 44, inputs: ["Softmax1_Output_0", "Negate1_Output_0"] },
    ];
    expect(await namesOf(modelFile("Combine1", [INPUT, label], functions))).toEqual({
      inputs: ["x [batch, 3]"],
      outputs: ["p [batch, 3]"],
    });
  });
});

test("a state that no variable tells the shape of is found by what the loop makes of it", async () => {
  const sequence = { uid: "Input1", name: "s", kind: 0, shape: [2n], axes: SEQUENCE };
  const functions = [
    { uid: "PastValue1", op: 37, inputs: ["Plus1_Output_0", "Constant1"], attributes: { offset: { size: 1 } } },
    { uid: "Plus1", op: 19, name: "sum", inputs: ["Input1", "PastValue1_Output_0"] },
  ];
  const program = await cntkPlatform.read(modelFile("Plus1", [sequence, ONE], functions), signal);
  const loaded = await loadProgram(program);
  const input: NumericTensor = { dtype: "float32", shape: [1, 3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
  const answer = await loaded.run(new Map([["s", input]]), ["sum"]);
  await loaded.close();
  expect([...(answer.get("sum")!.data as Float32Array)]).toEqual([2, 3, 5, 7, 10, 13]);
});

const plus = (inputs: readonly string[], more: Partial<TestFunction> = {}): TestFunction => ({
  uid: "Plus1",
  op: 19,
  inputs,
  ...more,
});
const sequence: TestVariable = { uid: "Input1", name: "s", kind: 0, shape: [2n], axes: SEQUENCE };
const image: TestVariable = { uid: "Input1", name: "image", kind: 0, shape: [5n, 4n, 3n], axes: BATCH };
const axis = (index: number, name = "") => ({ axis: index, name });

/** What is refused: a model, a part of the error, its code. */
const REFUSED: readonly [string, () => Uint8Array, string, ServingError["code"]][] = [
  [
    "a function that is not covered",
    () => modelBytes("F1", [INPUT], [{ uid: "F1", op: 46, name: "sampled", inputs: ["Input1"] }]),
    'RandomSampleInclusionFrequency "sampled" is not covered',
    "unimplemented",
  ],
  [
    "a number that CNTK 2.7 does not have",
    () => modelBytes("F1", [INPUT], [{ uid: "F1", op: 1234, inputs: ["Input1"] }]),
    'function 1234 "F1" is not covered',
    "unimplemented",
  ],
  [
    "a recurrent stack made for GPUs",
    () => modelBytes("R1", [sequence], [{ uid: "R1", op: 49, inputs: ["Input1"] }]),
    'OptimizedRNNStack "R1" is not covered: it is made for GPUs',
    "unimplemented",
  ],
  [
    "a user's function",
    () =>
      modelBytes(
        "U1",
        [INPUT],
        [
          {
            uid: "U1",
            inputs: ["Input1"],
            more: { type: "UserDefinedFunction", user_defined_state: { entries: { op_name: "mine.Op" } } },
          },
        ],
      ),
    'function "mine.Op" is defined by a user\'s code',
    "unimplemented",
  ],
  [
    "a checkpoint",
    () => dictionaryBytes({ learners: [], model: "x" }),
    "it holds a checkpoint or another dictionary",
    "unimplemented",
  ],
  [
    "a loss alone",
    () => modelBytes("L1", [INPUT], [{ uid: "L1", op: 36, inputs: ["Input1", "Input1"] }]),
    "ClassificationError",
    "unimplemented",
  ],
  [
    "an attribute that is not known",
    () => modelBytes("Plus1", [INPUT], [plus(["Input1", "Input1"], { attributes: { rounding: true } })]),
    'Plus "Plus1": its attribute "rounding" is not known',
    "unimplemented",
  ],
  [
    "a reduction over the batch",
    () =>
      modelBytes(
        "R1",
        [INPUT],
        [
          {
            uid: "R1",
            op: 39,
            inputs: ["Input1"],
            attributes: { reductionOpName: "Sum", axis: axis(2147483647, "defaultBatchAxis") },
          },
        ],
      ),
    "it reduces over the batch",
    "unimplemented",
  ],
  [
    "items picked by what they hold",
    () =>
      modelBytes(
        "G1",
        [sequence],
        [
          { uid: "W1", op: 13, inputs: ["Input1"] },
          { uid: "P1", op: 28, inputs: ["Input1", "W1_Output_0"] },
          { uid: "G1", op: 29, inputs: ["Input1", "P1_Output_0"] },
        ],
      ),
    "it picks items by what they hold: sequences of one batch have the same length here",
    "unimplemented",
  ],
  [
    "sequences with lengths of their own",
    () =>
      modelBytes(
        "T1",
        [{ ...INPUT, shape: [3n, 4n] }, ONE],
        [{ uid: "T1", op: 70, inputs: ["Input1", "Constant1"], attributes: {} }],
      ),
    "its sequences are given lengths of their own",
    "unimplemented",
  ],
  [
    "a loop that goes both ways",
    () =>
      modelBytes(
        "Plus1",
        [sequence, ONE],
        [
          { uid: "Past1", op: 37, inputs: ["Plus1_Output_0", "Constant1"], attributes: { offset: { size: 1 } } },
          { uid: "Future1", op: 38, inputs: ["Plus2_Output_0", "Constant1"], attributes: { offset: { size: 1 } } },
          plus(["Input1", "Past1_Output_0"], { uid: "Plus2" }),
          plus(["Plus2_Output_0", "Future1_Output_0"]),
          plus(["Plus1_Output_0", "Plus2_Output_0"], { uid: "Plus3" }),
        ],
      ),
    "its loop goes forwards and backwards",
    "unimplemented",
  ],
  [
    "a loop without a delay",
    () =>
      modelBytes("Plus1", [sequence], [plus(["Input1", "Tanh1_Output_0"]), { uid: "Tanh1", op: 2, inputs: ["Plus1_Output_0"] }]),
    "depends on its own result, without a past or future value",
    "data-loss",
  ],
  [
    "a kernel that would move over the channels",
    () =>
      modelBytes(
        "C1",
        [image, { uid: "W", kind: 2, shape: [1n, 1n, 3n, 1n], values: [1, 2, 3] }],
        [
          {
            uid: "C1",
            op: 33,
            inputs: ["W", "Input1"],
            attributes: { autoPadding: [true, true, true], strides: { shape: [1n] } },
          },
        ],
      ),
    "it pads the channels, and moves along them",
    "unimplemented",
  ],
  [
    "steps over a size that a call tells, padded by CNTK",
    () =>
      modelBytes(
        "P1",
        [{ ...image, shape: [FREE, 4n, 3n] }],
        [
          {
            uid: "P1",
            op: 17,
            inputs: ["Input1"],
            attributes: {
              poolingType: { size: 0 },
              poolingWindowShape: { shape: [2n, 2n] },
              strides: { shape: [2n] },
              autoPadding: [true],
            },
          },
        ],
      ),
    "it pads by itself, in steps, what has a size that only a call tells",
    "unimplemented",
  ],
  [
    "factors that do not fit",
    () =>
      modelBytes(
        "T1",
        [INPUT, { uid: "W", kind: 2, shape: [1n, 2n], values: [1, 2] }],
        [{ uid: "T1", op: 31, inputs: ["W", "Input1"] }],
      ),
    "inner sizes 2 and 3",
    "invalid-argument",
  ],
  ["a sparse parameter", () => sparse(0, 1), 'parameter "W" is saved as a sparse array', "unimplemented"],
  ["a parameter of another type", () => sparse(9, 0), 'parameter "W" has a data type that is not known', "unimplemented"],
  [
    "a parameter of too few values",
    () => modelBytes("Plus1", [INPUT, { ...ONE, shape: [2n] }], [plus(["Input1", "Constant1"])]),
    "has 4 bytes where its shape has 8",
    "data-loss",
  ],
  [
    "a value that is not there",
    () => modelBytes("Plus1", [INPUT], [plus(["Input1", "Nothing1"])]),
    '"Nothing1" is used and is not there',
    "data-loss",
  ],
  [
    "an output that is not there",
    () => modelBytes("Plus1", [INPUT], [plus(["Input1", "Tanh1_Output_3"]), { uid: "Tanh1", op: 2, inputs: ["Input1"] }]),
    '"Tanh1" has no output 3',
    "data-loss",
  ],
  [
    "a placeholder that stands for nothing",
    () => modelBytes("Plus1", [INPUT, { uid: "P", kind: 4, shape: [3n] }], [plus(["Input1", "P"])]),
    'placeholder "P" stands for nothing',
    "data-loss",
  ],
  [
    "combinations of each other",
    () => modelBytes("Combine1", [], [{ uid: "Combine1", op: 44, inputs: ["Combine1_Output_0"] }]),
    "lie more than 64 deep",
    "data-loss",
  ],
  [
    "a model without functions",
    () => dictionaryBytes({ type: "CompositeFunction", root: "Plus1" }),
    "it has no functions",
    "data-loss",
  ],
  [
    "nothing joined",
    () => modelBytes("S1", [INPUT], [{ uid: "S1", op: 43, inputs: [], attributes: { axis: axis(0) } }]),
    "has no inputs",
    "data-loss",
  ],
  [
    "a number beyond all numbers of elements",
    () => modelBytes("D1", [INPUT], [{ uid: "D1", op: 87, inputs: ["Input1"], attributes: { numItems: { double: 2 ** 70 } } }]),
    'its attribute "numItems" is not a whole number',
    "invalid-argument",
  ],
  ["a root that is not there", () => modelBytes("Nothing1", [INPUT], []), 'its root "Nothing1" is not there', "data-loss"],
];

function sparse(dtype: number, storage: number): Uint8Array {
  return dictionaryBytes({
    type: "CompositeFunction",
    root: "W",
    inputs: [
      {
        entries: {
          uid: "W",
          kind: { size: 2 },
          data_type: { size: 1 },
          shape: { shape: [1n] },
          value: { array: [1], shape: [1n], dtype: dtype || 1, storage },
        },
      },
    ],
    primitive_functions: [],
  });
}

test.each(REFUSED)("%s is refused when the model is read, and the file is named", async (_what, make, message, code) => {
  const error = await cntkPlatform.read(written(make(), "m.model"), signal).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ServingError);
  expect((error as ServingError).message).toContain(message);
  expect((error as ServingError).message).toMatch(/^m\.model: /);
  expect((error as ServingError).code).toBe(code);
});

describe("which file is the model", () => {
  const bytes = modelBytes("Plus1", [INPUT, ONE], [plus(["Input1", "Constant1"])]);
  const checkpoint = dictionaryBytes({ learners: [] });

  test.each([
    [
      "the only one",
      { "net.dnn": bytes, "net.dnn.ckp": checkpoint, "notes.model": Buffer.from("no model") },
      "holds net.dnn, a CNTK model",
    ],
    ["the one called model", { "a.cmf": bytes, "model.cntk": bytes }, "holds model.cntk, a CNTK model"],
    ["none of several", { "a.cmf": bytes, "b.cmf": bytes }, "holds 2 CNTK models"],
    ["a checkpoint where there is nothing else", { "net.ckp": checkpoint }, "holds net.ckp, a CNTK model"],
    ["none where nothing fits", { "a.model": Buffer.from("BCN"), "model.txt": bytes }, undefined],
  ] as const)("%s", async (_what, files, why) => {
    const folder = newFolder();
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    expect((await cntkPlatform.detect(folder))?.why).toBe(why);
  });

  test("several are refused by name", async () => {
    const folder = newFolder();
    for (const name of ["a.cmf", "b.cmf"]) writeFileSync(join(folder, name), bytes);
    await expect(cntkPlatform.read(folder, signal)).rejects.toThrow("which of the 2 CNTK files is the model (a.cmf, b.cmf)?");
  });
});

describe("a damaged file whose arrays lie behind its message", () => {
  const original = readFileSync(fixture("cntk", "large_layout", "large_layout.model"));
  const offsets = Array.from({ length: 200 }, (_, i) => 16 + Math.floor((i * (original.length - 17)) / 199));

  test("cut off at any of 200 places it is refused, and named", async () => {
    const file = join(newFolder(), "cut.model");
    for (const offset of offsets) {
      writeFileSync(file, original.subarray(0, offset));
      const error = await cntkPlatform.read(file, signal).catch((reason: unknown) => reason);
      expect(error, String(offset)).toBeInstanceOf(ServingError);
      expect((error as ServingError).message, String(offset)).toMatch(/^cut\.model: /);
      expect((error as ServingError).code, String(offset)).toMatch(/^(?:data-loss|invalid-argument|unimplemented)$/);
    }
  });

  test("with other bytes at any of 200 places it is refused and named, or another model", async () => {
    const file = join(newFolder(), "odd.model");
    for (const offset of offsets) {
      const bytes = Buffer.from(original);
      bytes.fill(0xff, offset, Math.min(offset + 3, bytes.length));
      writeFileSync(file, bytes);
      const error = await cntkPlatform.read(file, signal).catch((reason: unknown) => reason);
      if (!(error instanceof Error)) continue;
      expect(error, String(offset)).toBeInstanceOf(ServingError);
      expect(error.message, String(offset)).toMatch(/^odd\.model: /);
      expect((error as ServingError).code, String(offset)).not.toBe("internal");
    }
  });
});
