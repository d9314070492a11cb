import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { ServingError } from "../../base/serving-error.ts";
import type { SharedModel } from "../../model/runtime.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import { zeros } from "../../tensor/tensor.ts";
import { packagedLibrary } from "./library.ts";
import { OnnxRuntime } from "./onnx-runtime.ts";
import type { SessionOptions } from "./options.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures/onnx");
const EDGES = resolve(import.meta.dirname, "../../../test/fixtures/onnx_runtime");

let never: AbortSignal;
beforeEach(() => {
  never = new AbortController().signal;
});

async function describeModel(file: string): Promise<SharedModel> {
  const runtime = new OnnxRuntime();
  const model = await runtime.load({ runtime: "onnxruntime", file }, never);
  await runtime.unload(model);
  return model;
}

function failure(file: string, session?: SessionOptions, libraryPath?: string): Promise<ServingError> {
  return new OnnxRuntime({ libraryPath }).load({ runtime: "onnxruntime", file, session }, never).then(
    () => expect.unreachable("the model was loaded"),
    (error: ServingError) => error,
  );
}

describe("the signature", () => {
  test("has the model's names, types and symbolic dimensions in the model's order", async () => {
    const { signatures } = await describeModel(join(EDGES, "liar.onnx"));

    expect([...signatures]).toEqual([
      [
        "serving_default",
        {
          methodName: "tensorflow/serving/predict",
          inputs: [
            { alias: "x", name: "x", dtype: "float32", shape: [-1], dimensionNames: ["N"] },
            { alias: "c", name: "c", dtype: "bool", shape: [-1], dimensionNames: ["N"] },
          ],
          outputs: [{ alias: "y", name: "y", dtype: "float32", shape: [-1], dimensionNames: ["N"] }],
        },
      ],
    ]);
  });

  test.each([
    ["a scalar", join(FIXTURES, "scalar_rank0/model.onnx"), "k", []],
    ["an unknown rank", join(EDGES, "any_rank.onnx"), "x", undefined],
  ])("tells %s", async (_, file, name, shape) => {
    const { signatures } = await describeModel(file);
    expect(signatures.get("serving_default")?.inputs.find(({ alias }) => alias === name)?.shape).toEqual(shape);
  });

  test("has an initializer that is an input as an optional input", async () => {
    const { signatures } = await describeModel(join(FIXTURES, "default_input/model.onnx"));
    expect(signatures.get("serving_default")?.inputs.map(({ alias, optional }) => [alias, optional])).toEqual([
      ["x", undefined],
      ["k", true],
    ]);
  });

  test.each([
    ["sequence_ragged", ["parts float32 ?", "parts.shapes int64 -1,-1"]],
    ["sequence_empty", ["s float32 -1,-1,-1", "s.shapes int64 -1,2"]],
    ["zipmap_strings", ["p float32 -1,-1", "p.keys string -1,-1"]],
  ])("of %s has two tensors for one output", async (name, expected) => {
    const { signatures } = await describeModel(join(EDGES, `${name}.onnx`));
    const outputs = signatures.get("serving_default")?.outputs ?? [];
    expect(outputs.map(({ alias, dtype, shape }) => `${alias} ${dtype} ${shape?.join() ?? "?"}`)).toEqual(expected);
  });

  test("survives the way to another thread with its handle", async () => {
    const model = await describeModel(join(EDGES, "any_rank.onnx"));
    expect(structuredClone(model)).toEqual(model);
  });
});

describe("a load fails, naming the file and what is wrong", () => {
  test.each([
    ["sequence_input", "unimplemented", 'sequence_input.onnx: input "s" is a sequence, which cannot be served'],
    ["optional_output", "unimplemented", 'optional_output.onnx: output "o" is an optional, which cannot be served'],
    ["float8_input", "unimplemented", 'float8_input.onnx: input "x" is a tensor of float8e4m3fn, which cannot be served'],
    [
      "name_twice",
      "unimplemented",
      'name_twice.onnx: output "p.shapes" is there twice: a sequence or map output needs that name too',
    ],
    ["unknown_operator", "unimplemented", expect.stringMatching(/^unknown_operator\.onnx cannot be loaded: .*acme/)],
    ["not_there", "not-found", "not_there.onnx cannot be read"],
  ])("%s", async (name, code, message) => {
    expect(await failure(join(EDGES, `${name}.onnx`))).toMatchObject({ name: "ServingError", code, message });
  });

  test("when it is no model", async () => {
    const { code, message } = await failure(import.meta.filename);
    expect([code, message]).toEqual(["data-loss", "onnx-runtime.test.ts cannot be loaded: Protobuf parsing failed"]);
  });

  test("when it was cancelled", async () => {
    const load = new OnnxRuntime().load({ runtime: "onnxruntime", file: join(EDGES, "add.onnx") }, AbortSignal.abort());
    await expect(load).rejects.toMatchObject({ code: "cancelled" });
  });
});

test("a file cut short or with wrong bytes fails to load with a clean error, or loads", async () => {
  const folder = await mkdtemp(join(tmpdir(), "onnxruntime-"));
  const runtime = new OnnxRuntime();
  const file = join(folder, "model.onnx");
  const outcomes = new Map<string, number>();
  try {
    for (const name of ["bool_where", "strings_label", "zipmap_int", "sequence_out", "torch_pairtuple"]) {
      const whole = await readFile(join(FIXTURES, name, "model.onnx"));
      for (let i = 0; i < 40; i++) {
        const bytes = Buffer.from(whole);
        const at = Math.floor((i * 7919 + 13) % whole.length);
        if (i % 2 === 1) bytes[at] ^= 1 << (i % 8);
        await writeFile(file, i % 2 === 1 ? bytes : whole.subarray(0, at));
        const outcome = await runtime.load({ runtime: "onnxruntime", file }, never).then(
          (model) => runtime.unload(model).then(() => "loaded"),
          (error: ServingError) => {
            expect(error.name).toBe("ServingError");
            expect(error.message).toMatch(/^model\.onnx/);
            expect(error.message).not.toContain(folder);
            return error.code;
          },
        );
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  expect(outcomes.get("data-loss")).toBeGreaterThan(50);
});

describe("an execution provider", () => {
  test("the library was not built with fails the load and says which there are", async () => {
    const error = await failure(join(EDGES, "add.onnx"), { executionProviders: ["openvino", "cpu"] });
    expect(error.code).toBe("failed-precondition");
    expect(error.message).toMatch(
      /^execution provider "openvino" cannot be used here; .* built with .*cpu.*--onnxruntime_library$/,
    );
  });

  test("nobody knows fails the load", async () => {
    const error = await failure(join(EDGES, "add.onnx"), { executionProviders: ["abacus"] });
    expect(error).toMatchObject({ code: "failed-precondition", message: expect.stringContaining('"abacus"') });
  });

  test("named cpu is always there", async () => {
    const runtime = new OnnxRuntime({ executionProviders: ["CPU"] });
    await runtime.unload(await runtime.load({ runtime: "onnxruntime", file: join(EDGES, "add.onnx") }, never));
  });
});

describe("a library", () => {
  test("that is another file fails the load by its name alone", async () => {
    const error = await failure(join(EDGES, "add.onnx"), undefined, import.meta.filename);
    expect(error).toMatchObject({
      code: "failed-precondition",
      message: '"onnx-runtime.test.ts" cannot be opened as ONNX Runtime\'s library',
    });
  });

  test("may be named", async () => {
    const runtime = new OnnxRuntime({ libraryPath: packagedLibrary() });
    await runtime.unload(await runtime.load({ runtime: "onnxruntime", file: join(EDGES, "add.onnx") }, never));
  });
});

test("a small model's first run is done elsewhere for a thread that a run must not hold up, and only for that", async () => {
  const runtime = new OnnxRuntime();
  const model = await runtime.load({ runtime: "onnxruntime", file: join(EDGES, "add.onnx") }, never);
  const inputs = new Map(
    model.signatures.get("serving_default")!.inputs.map(({ alias, dtype }) => [alias, zeros(dtype as NumericDType, [1])]),
  );
  const outputs = model.signatures.get("serving_default")!.outputs.map(({ alias }) => alias);
  for (const expectLong of [true, false]) {
    const servable = runtime.attach(model, expectLong);
    const run = servable.run("serving_default", inputs, outputs);
    expect(run instanceof Promise).toBe(expectLong);
    await run;
    await servable.detach();
  }
  await runtime.unload(model);
});
