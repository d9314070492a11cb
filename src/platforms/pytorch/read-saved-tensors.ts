import { ServingError } from "../../base/serving-error.ts";
import { readZipDirectory, type ZipEntry } from "../../base/zip/zip-directory.ts";
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
const LOCAL_BYTES = 30;

/**
 * Reads a dictionary of tensors as torch.save writes it: a zip archive of a pickle and a file for each storage. Nothing in the pickle is run.
 * @param file what errors call it
 * @throws ServingError data-loss for a damaged file, unimplemented for what is no dictionary of tensors
 */
export async function readSavedTensors(bytes: Buffer, file: string): Promise<ReadonlyMap<string, Weight>> {
  const entries = await storedFiles(bytes, file);
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

/** Files of an archive in memory that are not packed, by their names without the folder around them. */
async function storedFiles(bytes: Buffer, file: string): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readZipDirectory(file, {
    stat: () => Promise.resolve({ size: bytes.length }),
    read: (buffer, offset, length, position) =>
      Promise.resolve({ bytesRead: bytes.copy(buffer, offset, position, Math.min(bytes.length, position + length)) }),
  });
  return new Map(entries.map((entry) => [entry.name.replace(/^[^/]+\//, ""), contentOf(bytes, entry, file)]));
}

function contentOf(bytes: Buffer, { name, offset, size, compressedSize, stored }: ZipEntry, file: string): Buffer {
  const fault = () => new ServingError("data-loss", `${file}: ${name.slice(0, 128)} is damaged`);
  if (!stored || size !== compressedSize || offset + LOCAL_BYTES > bytes.length) throw fault();
  const start = offset + LOCAL_BYTES + bytes.readUInt16LE(offset + 26) + bytes.readUInt16LE(offset + 28);
  if (start + size > bytes.length) throw fault();
  return bytes.subarray(start, start + size);
}
