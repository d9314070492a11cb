import { ServingError } from "../../base/serving-error.ts";
import type { DType } from "../../tensor/dtype.ts";
import { PREDICT_METHOD, type Signature, type Signatures, type TensorInfo } from "../../tensor/signature.ts";
import { DTYPES } from "./frames.ts";

/** Of all signatures together. */
const MOST_TENSORS = 100_000;

/** What a worker tells of its model. */
export interface WorkerSignatures {
  readonly signatures: Signatures;
  /** By the place of a signature: whether its author has declared it. */
  readonly strict: readonly boolean[];
}

/**
 * Reads the signatures that a worker tells of.
 * @throws ServingError invalid-argument for what is none; names repeat in no signature
 */
export function readWorkerSignatures(told: unknown): WorkerSignatures {
  const signatures = new Map<string, Signature>();
  const strict: boolean[] = [];
  if (!Array.isArray(told) || told.length === 0) throw malformed("there are none");
  let tensors = 0;
  for (const each of told as readonly Told[]) {
    if (typeof each?.name !== "string" || signatures.has(each.name)) throw malformed("a name is missing or comes twice");
    const inputs = infosOf(each.name, "input", each.inputs);
    const outputs = each.outputs === null ? [] : infosOf(each.name, "output", each.outputs);
    tensors += inputs.length + outputs.length;
    if (tensors > MOST_TENSORS) throw malformed(`there are more than ${MOST_TENSORS} inputs and outputs`);
    const alone = each.outputs === null ? (each.alone ?? "its outputs are not declared") : each.alone;
    signatures.set(each.name, {
      inputs,
      outputs,
      methodName: PREDICT_METHOD,
      ...(each.outputs === null && { openOutputs: true }),
      ...(typeof alone === "string" && { runsAlone: alone }),
      ...(each.rowwise === true && { rowwise: true }),
    });
    strict.push(each.strict === true);
  }
  return { signatures, strict };
}

/** As it comes; anything may be anything. */
interface Told {
  readonly name?: unknown;
  readonly inputs?: unknown;
  /** Null where only a run tells. */
  readonly outputs?: unknown;
  readonly strict?: unknown;
  readonly alone?: unknown;
  readonly rowwise?: unknown;
}

interface ToldTensor {
  readonly name?: unknown;
  readonly dtype?: unknown;
  readonly shape?: unknown;
  readonly optional?: unknown;
  readonly nullable?: unknown;
}

function infosOf(signature: string, what: string, told: unknown): readonly TensorInfo[] {
  if (!Array.isArray(told)) throw malformed(`"${signature}" has no list of ${what}s`);
  const names = new Set<string>();
  return (told as readonly ToldTensor[]).map(({ name, dtype, shape, optional, nullable }) => {
    if (typeof name !== "string" || name === "" || names.has(name)) {
      throw malformed(`"${signature}" has an ${what} whose name is missing or comes twice`);
    }
    names.add(name);
    if (!DTYPES.includes(dtype as DType)) throw malformed(`${what} "${name}" has the unknown type ${JSON.stringify(dtype)}`);
    const sizes = shape === null || shape === undefined ? undefined : sizesOf(name, shape);
    return {
      alias: name,
      name,
      dtype: dtype as DType,
      shape: sizes,
      ...(optional === true && { optional: true }),
      ...(nullable === true && { nullable: true }),
    };
  });
}

function sizesOf(name: string, shape: unknown): readonly number[] {
  const fits = Array.isArray(shape) && shape.length <= 64 && shape.every((size) => Number.isSafeInteger(size) && size >= -1);
  if (!fits) throw malformed(`"${name}" has a shape that is none`);
  return shape as readonly number[];
}

function malformed(why: string): ServingError {
  return new ServingError("invalid-argument", `the model's signatures cannot be used: ${why}`);
}
