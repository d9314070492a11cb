import { ServingError } from "../../base/serving-error.ts";
import type { NumericTensor, StringTensor, Tensor } from "../../tensor/tensor.ts";
import { integerType, newArray, numbersOf, type RealDType, realType } from "../numbers.ts";
import { type NamedInfo, type Planner, unaryPlan } from "../step.ts";
import { describeInfo } from "../value-info.ts";
import { bufferOf, gather, requireDistinct, shown } from "../vocabulary.ts";
import { castTensor } from "./cast.ts";

const EXACT = { rounding: "truncate", overflow: "refuse" } as const;

/** Positions of strings in a vocabulary. */
export const planLookup: Planner<"lookup"> = ({ input, output, vocabulary, unknown, dtype = "int64" }, scope) => {
  const source = stringsOf(scope.read(input));
  const words = scope.vocabulary(vocabulary);
  requireDistinct(words);
  const to = realType(dtype);
  checkIndex(to, "the vocabulary's last position", words.entries.length - 1);
  if (unknown !== undefined) checkIndex(to, "unknown", unknown);
  return unaryPlan(source, output, { ...source, dtype: to }, (tensor) => {
    const { data: strings, shape } = tensor as StringTensor;
    const bytes = bufferOf(strings);
    const { offsets, length } = strings;
    const found = newArray("int32", length);
    for (let i = 0; i < length; i++) {
      let position = words.find(bytes, offsets[i]!, offsets[i + 1]!);
      if (position < 0) {
        if (unknown === undefined) throw invalid(`element ${i}, ${JSON.stringify(shown(strings, i))}, is not in ${words.name}`);
        position = unknown;
      }
      found[i] = position;
    }
    return castTensor({ dtype: "int32", shape, data: found }, to, EXACT);
  });
};

/** Strings of a vocabulary by their positions. */
export const planLabels: Planner<"labels"> = ({ input, output, vocabulary, unknown }, scope) => {
  const source = scope.read(input);
  integerType(source.dtype);
  const words = scope.vocabulary(vocabulary);
  const count = words.entries.length;
  // What is not known is one entry more.
  const entries = unknown === undefined ? words.entries : withEntry(words.entries, unknown);
  return unaryPlan(source, output, { ...source, dtype: "string" }, (tensor) => {
    const numbers = numbersOf(tensor as NumericTensor);
    const positions = newArray("uint32", numbers.length) as Uint32Array;
    for (let i = 0; i < numbers.length; i++) {
      const position = numbers[i]!;
      if (position >= 0 && position < count) positions[i] = position;
      else if (unknown !== undefined) positions[i] = count;
      else throw invalid(`element ${i} is ${position}, and ${words.name} has the positions 0 to ${count - 1}`);
    }
    return { dtype: "string", shape: tensor.shape, data: gather(entries, positions) };
  });
};

function withEntry({ length, offsets, bytes }: StringTensor["data"], text: string): StringTensor["data"] {
  const added = new TextEncoder().encode(text);
  const joined = { length: length + 1, offsets: new Uint32Array(length + 2), bytes: new Uint8Array(bytes.length + added.length) };
  joined.offsets.set(offsets);
  joined.offsets[length + 1] = joined.bytes.length;
  joined.bytes.set(bytes);
  joined.bytes.set(added, bytes.length);
  return joined;
}

/** A row of 0 with a 1 for each index, or for each string of a vocabulary. */
export const planOneHot: Planner<"one_hot"> = ({ input, output, depth, vocabulary, unknown, dtype = "float32" }, scope) => {
  const source = scope.read(input);
  const to = realType(dtype);
  const words = vocabulary === undefined ? undefined : scope.vocabulary(vocabulary);
  if (words === undefined) integerType(source.dtype);
  else {
    stringsOf(source);
    requireDistinct(words);
  }
  const width = depth ?? words?.entries.length;
  if (width === undefined) throw invalid("expected depth or vocabulary");
  if (words !== undefined && words.entries.length > width) {
    throw invalid(`${words.name} has ${words.entries.length} entries, and depth is ${width}`);
  }
  const info = { dtype: to, shape: source.shape && [...source.shape, width] };
  const { data: one } = castTensor({ dtype: "bool", shape: [1], data: Uint8Array.of(1) }, to, EXACT);
  return unaryPlan(source, output, info, (tensor) => {
    const count = tensor.data.length;
    const data = newArray(to, count * width);
    const numbers = tensor.dtype === "string" ? undefined : numbersOf(tensor);
    const bytes = tensor.dtype === "string" ? bufferOf(tensor.data) : undefined;
    for (let i = 0; i < count; i++) {
      const position = numbers === undefined ? findAt(tensor as StringTensor, bytes!, i) : numbers[i]!;
      if (position >= 0 && position < width) data[i * width + position] = one[0] as never;
      else if (unknown === undefined) throw notThere(tensor, i);
    }
    return { dtype: to, shape: [...tensor.shape, width], data };
  });

  function findAt({ data: { offsets } }: StringTensor, bytes: Buffer, i: number): number {
    return words!.find(bytes, offsets[i]!, offsets[i + 1]!);
  }

  function notThere(tensor: Tensor, i: number): ServingError {
    if (tensor.dtype !== "string") return invalid(`element ${i} is ${tensor.data[i]}, expected 0 to ${width! - 1}`);
    return invalid(`element ${i}, ${JSON.stringify(shown(tensor.data, i))}, is not in ${words!.name}`);
  }
};

/** Texts, split at ASCII blanks, as rows of positions; long ones are cut, short ones filled up. */
export const planTokenize: Planner<"tokenize"> = (step, scope) => {
  const { input, output, vocabulary, unknown, length, pad = 0, lower = false, dtype = "int64" } = step;
  const source = stringsOf(scope.read(input));
  const words = scope.vocabulary(vocabulary);
  requireDistinct(words);
  const to = realType(dtype);
  checkIndex(to, "the vocabulary's last position", words.entries.length - 1);
  checkIndex(to, "unknown", unknown);
  checkIndex(to, "pad", pad);
  const { shape } = source;
  if (shape !== undefined && shape.length !== 1 && !(shape.length === 2 && shape[1] === 1)) {
    throw invalid(`it takes one text a row, and "${source.alias}" is ${describeInfo(source)}`);
  }
  return unaryPlan(source, output, { dtype: to, shape: [shape?.[0] ?? -1, length] }, (tensor) => {
    const { data: strings, shape: given } = tensor as StringTensor;
    if (given.length === 0 || given[0] !== strings.length) throw invalid(`it takes one text a row, got [${given.join(",")}]`);
    const positions = newArray("int32", strings.length * length) as Int32Array;
    if (pad !== 0) positions.fill(pad);
    const bytes = bufferOf(strings);
    for (let i = 0; i < strings.length; i++) {
      const row = positions.subarray(i * length, (i + 1) * length);
      const [start, end] = [strings.offsets[i]!, strings.offsets[i + 1]!];
      if (lower) {
        const text = Buffer.from(bytes.toString("utf8", start, end).toLowerCase());
        tokenizeInto(row, text, 0, text.length);
      } else tokenizeInto(row, bytes, start, end);
    }
    return castTensor({ dtype: "int32", shape: [strings.length, length], data: positions }, to, EXACT);
  });

  function tokenizeInto(row: Int32Array, bytes: Buffer, start: number, end: number): void {
    let count = 0;
    for (let at = start; at < end && count < row.length; ) {
      while (at < end && isBlank(bytes[at]!)) at++;
      const begin = at;
      while (at < end && !isBlank(bytes[at]!)) at++;
      if (at === begin) break;
      const position = words.find(bytes, begin, at);
      row[count++] = position < 0 ? unknown : position;
    }
  }
};

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

function stringsOf(source: NamedInfo): NamedInfo {
  if (source.dtype === "string") return source;
  throw invalid(`it takes strings, and "${source.alias}" is ${describeInfo(source)}`);
}

/** Indices are made as int32 and then given the type. @throws ServingError invalid-argument for one that either has not. */
function checkIndex(to: RealDType, name: string, index: number): void {
  const data = Int32Array.of(index);
  let made: number | undefined;
  try {
    [made] = numbersOf(castTensor({ dtype: "int32", shape: [1], data }, to, EXACT));
  } catch {
    // It is out of range.
  }
  if (made !== index) throw invalid(`${name} is ${index}, which ${to} does not have`);
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
