import { join, resolve } from "node:path";
import type { ServingError } from "../../base/serving-error.ts";
import type { SharedModel } from "../../model/runtime.ts";
import type { Servable } from "../../model/servable.ts";
import { ARRAY_TYPES, type NumericDType } from "../../tensor/dtype.ts";
import type { NamedTensors, NumericTensor, Tensor } from "../../tensor/tensor.ts";
import { OnnxRuntime } from "./onnx-runtime.ts";

/** The folder of models that tests read. */
export const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures");
/** A model of the folder for edges. */
export const edge = (name: string): string => join(FIXTURES, "onnx_runtime", `${name}.onnx`);

const ends: (() => Promise<void>)[] = [];
/** Ends what {@link attach} began. */
export async function endAttached(): Promise<void> {
  for (const end of ends.splice(0)) await end();
}

/** Loads and attaches a model; `bytes` above 4 MiB make the first run go to another thread. */
export async function attach(file: string, bytes?: number): Promise<Servable> {
  const runtime = new OnnxRuntime();
  const model = await runtime.load({ runtime: "onnxruntime", file, bytes }, new AbortController().signal);
  const servable = runtime.attach(model);
  endLater(runtime, model, servable);
  return servable;
}

/** Has {@link endAttached} end this too. */
export function endLater(runtime: OnnxRuntime, model: SharedModel, servable: Servable): void {
  ends.push(async () => {
    await servable.detach();
    await runtime.unload(model);
  });
}

/** A size that makes a model slow. */
export const BIG = 2 ** 30;

/** A tensor of these numbers. */
export function numbers(dtype: NumericDType, shape: number[], values: readonly (number | bigint)[]): NumericTensor {
  const data = new ARRAY_TYPES[dtype].array(values.length);
  values.forEach((value, i) => {
    data[i] = value as never;
  });
  return { dtype, shape, data };
}

/** A float32 tensor. */
export const floats = (shape: number[], values: readonly number[]): NumericTensor => numbers("float32", shape, values);
/** Tensors by name. */
export const named = (tensors: Record<string, Tensor>): NamedTensors => new Map(Object.entries(tensors));
/** The numbers of a tensor. */
export const list = (tensor: Tensor | undefined): (number | bigint)[] =>
  Array.from((tensor as NumericTensor).data as Float32Array);

/** What `act` throws or rejects with. */
export async function thrown(act: () => unknown): Promise<ServingError> {
  try {
    await act();
  } catch (error) {
    return error as ServingError;
  }
  throw new Error("nothing was thrown");
}
