import { ServingError } from "../../base/serving-error.ts";
import { readZipBytes } from "../../base/zip/zip-bytes.ts";
import type { PickleName } from "../../codec/pickle/pickle-value.ts";
import { PickleObject, type PickleValue } from "../../codec/pickle/pickle-value.ts";
import { readPickle } from "../../codec/pickle/read-pickle.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import type { Weight } from "./import-program.ts";
import { weightIn } from "./read-weights.ts";

/** Classes of storages by the type of their numbers. */
const STORAGES: ReadonlyMap<string, NumericDType> = new Map([
  ["FloatStorage", "float32"],
  ["DoubleStorage", "float64"],
  ["HalfStorage", "float16"],
  ["BFloat16Storage", "bfloat16"],
  ["LongStorage", "int64"],
  ["IntStorage", "int32"],
  ["ShortStorage", "int16"],
  ["CharStorage", "int8"],
  ["ByteStorage", "uint8"],
  ["BoolStorage", "bool"],
]);
const NAMES: ReadonlySet<string> = new Set([
  "collections.OrderedDict",
  "torch._utils._rebuild_tensor_v2",
  "torch._utils._rebuild_parameter",
  "torch._utils._rebuild_parameter_with_state",
  "torch.nn.parameter.Parameter",
  ...[...STORAGES.keys()].map((name) => `torch.${name}`),
]);

/**
 * Reads a dictionary of tensors as torch.save writes it: a zip archive of a pickle and a file for each storage. Nothing in the pickle is run.
 * @param file what errors call it
 * @throws ServingError data-loss for a damaged file, unimplemented for what is no dictionary of tensors
 */
export async function readSavedTensors(bytes: Buffer, file: string, signal: AbortSignal): Promise<ReadonlyMap<string, Weight>> {
  // Nothing is packed in such a file, so that all of it together is no larger than the file.
  const files = await readZipBytes(file, bytes, bytes.length, signal);
  // The folder around them has any name.
  const entries = new Map(Array.from(files, ([name, content]) => [name.replace(/^[^/]+\//, ""), content] as const));
  const pickle = entries.get("data.pkl");
  if (pickle === undefined) throw new ServingError("data-loss", `${file} has no data.pkl`);
  if (entries.get("byteorder")?.toString() === "big") throw new ServingError("unimplemented", `${file} is big-endian`);
  const saved = readPickle(pickle, {
    allows: (name: PickleName) => NAMES.has(name.full),
    persistent: (id) => id,
  });
  const weights = new Map<string, Weight>();
  for (const [key, value] of entriesOf(saved, file)) {
    if (typeof key !== "string") throw new ServingError("data-loss", `${file} has a weight without a name`);
    weights.set(key, await weightOf(value, key, entries, file));
  }
  return weights;
}

function entriesOf(value: PickleValue, file: string): ReadonlyMap<PickleValue, PickleValue> {
  if (value instanceof Map) return value;
  if (value instanceof PickleObject && value.type.full === "collections.OrderedDict") return value.entries;
  throw new ServingError("unimplemented", `${file} is no dictionary of tensors`);
}

async function weightOf(value: PickleValue, key: string, files: ReadonlyMap<string, Buffer>, file: string): Promise<Weight> {
  const fault = () => new ServingError("unimplemented", `${file}: "${key.slice(0, 128)}" is no tensor`);
  if (!(value instanceof PickleObject) || !Array.isArray(value.args)) throw fault();
  if (value.type.name.startsWith("_rebuild_parameter")) return await weightOf(value.args[0] ?? null, key, files, file);
  const [storage, offset, sizes, strides] = value.args;
  if (value.type.name !== "_rebuild_tensor_v2" || !Array.isArray(storage) || typeof offset !== "number") throw fault();
  const [, type, name] = storage;
  const dtype = typeof type === "object" && type !== null && "full" in type ? STORAGES.get((type as PickleName).name) : undefined;
  const bytes = typeof name === "string" ? files.get(`data/${name}`) : undefined;
  if (dtype === undefined || !isNumbers(sizes) || !isNumbers(strides)) throw fault();
  if (bytes === undefined) throw new ServingError("data-loss", `${file} has no storage of "${key.slice(0, 128)}"`);
  return await weightIn(bytes, { dtype, sizes, strides, offset }, key);
}

function isNumbers(value: PickleValue | undefined): value is number[] {
  return Array.isArray(value) && value.every((each) => Number.isSafeInteger(each) && (each as number) >= 0);
}
