import type { OnnxGraphProgram } from "../../src/model/program.ts";
import { OnnxRuntime } from "../../src/runtimes/onnxruntime/onnx-runtime.ts";
import { ARRAY_TYPES, type NumericDType } from "../../src/tensor/dtype.ts";
import type { Signature } from "../../src/tensor/signature.ts";
import type { NamedTensors, NumericTensor, Tensor } from "../../src/tensor/tensor.ts";
import { halfBits, readTensor } from "./golden.ts";

/** A tensor of a framework's answers: flat and row-major; what is not finite is a word. */
export interface FrameworkTensor {
  readonly dtype: NumericDType;
  readonly shape: readonly number[];
  readonly data: readonly (number | string | boolean)[];
}

/** What a framework was asked, and what it answered. */
export interface FrameworkCase {
  readonly inputs: Readonly<Record<string, FrameworkTensor>>;
  readonly outputs: Readonly<Record<string, FrameworkTensor>>;
}

/** A loaded program; `close` lets go of it. */
export interface LoadedProgram {
  readonly signature: Signature;
  run(inputs: ReadonlyMap<string, Tensor>, outputs: readonly string[]): Promise<NamedTensors>;
  close(): Promise<void>;
}

/** Loads a program into ONNX Runtime. */
export async function loadProgram(program: OnnxGraphProgram): Promise<LoadedProgram> {
  const runtime = new OnnxRuntime();
  const shared = await runtime.load(program, new AbortController().signal);
  const servable = runtime.attach(shared);
  return {
    signature: shared.signatures.get("serving_default")!,
    run: async (inputs, outputs) => servable.run("serving_default", inputs, outputs),
    async close() {
      await servable.detach();
      await runtime.unload(shared);
    },
  };
}

/**
 * The worst difference of a program's answers from the framework's, as a part of the largest number of an output.
 * Throws where names, dtypes or shapes differ, or one of two is not finite.
 */
export async function worstDifference(program: OnnxGraphProgram, cases: readonly FrameworkCase[]): Promise<number> {
  const loaded = await loadProgram(program);
  try {
    let worst = 0;
    for (const { inputs, outputs } of cases) {
      const given = new Map(Object.entries(inputs).map(([name, tensor]) => [name, tensorOf(tensor)]));
      const answer = await loaded.run(given, Object.keys(outputs));
      for (const [name, wanted] of Object.entries(outputs)) {
        const got = answer.get(name)!;
        if (got.dtype !== wanted.dtype || String(got.shape) !== String(wanted.shape)) {
          throw new Error(`${name} is ${got.dtype} [${got.shape.join()}], not ${wanted.dtype} [${wanted.shape.join()}]`);
        }
        worst = Math.max(worst, difference(readTensor(got), wanted, name));
      }
    }
    return worst;
  } finally {
    await loaded.close();
  }
}

/** A framework's tensor as this server has it. */
export function tensorOf({ dtype, shape, data }: FrameworkTensor): NumericTensor {
  const array = new ARRAY_TYPES[dtype].array(data.length);
  for (const [i, value] of data.entries()) {
    array[i] = dtype === "int64" ? BigInt(value) : dtype === "float16" ? halfBits(Number(value)) : Number(value);
  }
  return { dtype, shape, data: array } as NumericTensor;
}

function difference(got: readonly (number | string | boolean)[], { data }: FrameworkTensor, name: string): number {
  let [largest, most] = [0, 0];
  for (const [i, value] of data.entries()) {
    const [found, wanted] = [Number(got[i]), Number(value)];
    if (Number.isFinite(wanted)) largest = Math.max(largest, Math.abs(wanted));
    if (Object.is(found, wanted) || found === wanted) continue;
    if (!Number.isFinite(found) || !Number.isFinite(wanted)) throw new Error(`${name}[${i}] is ${found}, not ${wanted}`);
    most = Math.max(most, Math.abs(found - wanted));
  }
  return most === 0 ? 0 : most / largest;
}
