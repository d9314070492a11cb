import type { DType } from "../../../src/tensor/dtype.ts";
import type { TensorInfo } from "../../../src/tensor/signature.ts";
import { type PlainValue, Refused } from "./json.ts";

type PlainObject = PlainValue & { readonly kind: "object" };

const LARGEST_RANK = 254;
const RANGES: Partial<Record<DType, readonly [bigint, bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint8: [0n, 255n],
};

/** Tensors as text by alias; see {@link tensorText}. */
export type PlainTensors = ReadonlyMap<string, string>;

/** The tensors of a predict request's tree by TensorFlow Serving's rules. Throws {@link Refused}. */
export function plainPredictInputs(root: PlainObject, inputs: readonly TensorInfo[]): PlainTensors {
  const instances = first(root, "instances");
  const columns = first(root, "inputs");
  if ((instances === undefined) === (columns === undefined)) throw new Refused("one of both");
  if (columns !== undefined) return readColumns(columns, inputs);
  if (instances?.kind !== "list" || instances.items.length === 0) throw new Refused("no list");
  return readRows(instances.items, inputs);
}

function first(object: PlainObject, name: string): PlainValue | undefined {
  return object.members.find(([each]) => each === name)?.[1];
}

function readColumns(value: PlainValue, inputs: readonly TensorInfo[]): PlainTensors {
  if (!isNamed(value)) return new Map([[plainInput(inputs).alias, tensorText(value, plainInput(inputs).dtype)]]);
  const tensors = new Map<string, string>();
  for (const { alias, dtype, optional } of inputs) {
    const column = first(value, Buffer.from(alias).toString("latin1"));
    if (column !== undefined) tensors.set(alias, tensorText(column, dtype));
    else if (optional !== true) throw new Refused(`no ${alias}`);
  }
  return tensors;
}

function readRows(rows: readonly PlainValue[], inputs: readonly TensorInfo[]): PlainTensors {
  const stack = (items: readonly PlainValue[], dtype: DType) => tensorText({ kind: "list", items }, dtype, LARGEST_RANK + 1);
  if (!rows.some(isNamed)) return new Map([[plainInput(inputs).alias, stack(rows, plainInput(inputs).dtype)]]);
  const objects = rows.filter(isNamed);
  if (objects.length < rows.length) throw new Refused("a list among objects");
  const tensors = new Map<string, string>();
  const aliases = new Set(inputs.map(({ alias }) => Buffer.from(alias).toString("latin1")));
  for (const { members } of objects) {
    const names = members.map(([name]) => name);
    if (new Set(names).size < names.length || names.some((name) => !aliases.has(name))) throw new Refused("names");
  }
  for (const { alias, dtype, optional } of inputs) {
    const column = objects
      .map((object) => first(object, Buffer.from(alias).toString("latin1")))
      .filter((value) => value !== undefined);
    if (column.length === 0 && optional === true) continue;
    if (column.length < objects.length) throw new Refused(`no ${alias}`);
    tensors.set(alias, stack(column, dtype));
  }
  return tensors;
}

/** An object of names, not one that stands for a string. */
function isNamed(value: PlainValue): value is PlainObject {
  return value.kind === "object" && base64Of(value) === undefined;
}

function base64Of({ members }: PlainObject): Buffer | undefined {
  const [name, value] = members[0] ?? [];
  return members.length === 1 && name === "b64" && value?.kind === "string" ? value.bytes : undefined;
}

function plainInput(inputs: readonly TensorInfo[]): TensorInfo {
  if (inputs.length === 1) return inputs[0]!;
  const needed = inputs.filter(({ optional }) => optional !== true);
  if (needed.length !== 1) throw new Refused("no plain input");
  return needed[0]!;
}

/** `[shape] element,element`: numbers as written by JavaScript, strings in hex. */
function tensorText(value: PlainValue, dtype: DType, deepest = LARGEST_RANK): string {
  const shape: number[] = [];
  for (let at: PlainValue | undefined = value; at?.kind === "list"; at = at.items[0]) shape.push(at.items.length);
  if (shape.length > deepest) throw new Refused("rank");
  const elements: string[] = [];
  const visit = (each: PlainValue, level: number): void => {
    if ((each.kind === "list") !== level < shape.length) throw new Refused("ragged");
    if (each.kind !== "list") elements.push(elementText(each, dtype));
    else if (each.items.length !== shape[level]) throw new Refused("ragged");
    else for (const item of each.items) visit(item, level + 1);
  };
  visit(value, 0);
  return `[${shape.join()}] ${elements.join()}`;
}

function elementText(value: PlainValue, dtype: DType): string {
  if (dtype === "string") {
    if (value.kind === "string") return value.bytes.toString("hex");
    const text = value.kind === "object" ? base64Of(value) : undefined;
    if (text === undefined) throw new Refused("no string");
    return plainBase64(text).toString("hex");
  }
  if (dtype === "bool") {
    if (value.kind !== "literal" || value.text === "null") throw new Refused("no bool");
    return value.text === "true" ? "1" : "0";
  }
  if (value.kind !== "number" || dtype.startsWith("complex")) throw new Refused("no number");
  const range = RANGES[dtype];
  if (range === undefined) return numberText(dtype === "float32" ? plainFloat32(value.text) : Number(value.text));
  if (!value.integer || BigInt(value.text) < range[0] || BigInt(value.text) > range[1]) throw new Refused("no integer");
  return BigInt(value.text).toString();
}

/**
 * The float32 nearest to a number text, rounded once: the double nearest to it decides, unless that lies midway between two
 * float32s and the text does not.
 */
function plainFloat32(text: string): number {
  const value = Number(text);
  const size = Math.abs(value);
  const one = Math.min(Math.fround(size), LARGEST_FLOAT32);
  const other = size + (size - one);
  const midway = size < 2 ** 128 && one !== size && (Math.fround(other) === other || other === 2 ** 128);
  const side = midway ? compareExactly(text.replace(/^-/, ""), size) : 0;
  if (side === 0) return Math.fround(value);
  return Math.fround(Math.sign(value) * (side < 0 ? Math.min(one, other) : Math.max(one, other)));
}

const LARGEST_FLOAT32 = 2 ** 128 - 2 ** 104;

/** Below, at or above 0 as a decimal text without a sign is below, at or above a double. */
function compareExactly(text: string, value: number): number {
  const [, whole = "", fraction = "", exponent = "0"] = /^([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(text) ?? [];
  let left = BigInt(whole + fraction);
  let right = 1n;
  const scale = BigInt(exponent) - BigInt(fraction.length);
  if (scale >= 0n) left *= 10n ** scale;
  else right *= 10n ** -scale;
  // A double is a whole number of 2^-1074.
  let halvings = 0n;
  while (!Number.isInteger(value)) {
    value *= 2;
    halvings++;
  }
  left *= 2n ** halvings;
  right *= BigInt(value);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** A number's text that tells -0 from 0. */
export function numberText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** Standard base64; white space is skipped, padding may be left out. Throws {@link Refused}. */
export function plainBase64(text: Buffer): Buffer {
  const [, digits, padding] = /^([A-Za-z0-9+/]*)(=*)$/.exec(text.toString("latin1").replace(/[ \t\n\v\f\r]/g, "")) ?? [];
  if (digits === undefined || padding === undefined || digits.length % 4 === 1) throw new Refused("base64");
  if (padding.length > 0 && padding.length !== (4 - (digits.length % 4)) % 4) throw new Refused("padding");
  return Buffer.from(digits, "base64");
}
