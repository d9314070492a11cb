import { largeBuffers } from "../base/large-buffers.ts";
import { ServingError } from "../base/serving-error.ts";
import { ARRAY_TYPES } from "../tensor/dtype.ts";
import type { NamedTensors, Tensor } from "../tensor/tensor.ts";
import { padTensor } from "./pad-tensor.ts";
import { concatenateRows, copyRows, type Rows, rowElements } from "./tensor-rows.ts";

/** Padding may make so much of an input, or so many times what it was: one long row among a thousand short ones would take gigabytes. */
const MOST_PADDED_BYTES = 64 * 1024 * 1024;
const MOST_GROWTH = 4;
/** A string's place, whatever is in it. */
const STRING_BYTES = 16;

/** Some rows of all inputs of a task. */
export interface InputRows {
  readonly inputs: NamedTensors;
  readonly from: number;
  readonly rows: number;
}

/**
 * The inputs of a batch of `total` rows: those of its parts one after the other, then the first row of the last part again.
 * Where `pads` is set, rows are padded to the longest of the batch. Made of copies, never of the parts' own memory.
 * @throws ServingError as {@link padTensor} and {@link concatenateRows}; resource-exhausted where rows are too different to be padded.
 */
export function mergeInputs(parts: readonly InputRows[], total: number, pads: boolean): NamedTensors {
  const merged = new Map<string, Tensor>();
  for (const alias of parts[0]!.inputs.keys()) {
    const rows = parts.map(({ inputs, from, rows: count }): Rows => ({ tensor: inputs.get(alias)!, from, rows: count }));
    merged.set(alias, concatenateRows(pads ? padRows(rows) : rows, total));
  }
  return merged;
}

/** Gives back what {@link mergeInputs} made, once nothing looks at it any more. */
export function giveBackMerged(merged: NamedTensors): void {
  for (const { dtype, data } of merged.values()) if (dtype !== "string") largeBuffers.giveBack(data);
}

function padRows(parts: readonly Rows[]): readonly Rows[] {
  const longest = [...parts[0]!.tensor.shape];
  for (const { tensor } of parts) {
    for (let axis = 1; axis < longest.length; axis++) longest[axis] = Math.max(longest[axis]!, tensor.shape[axis]!);
  }
  checkGrowth(parts, longest);
  return parts.map((part) => {
    const { tensor, rows } = part;
    if (tensor.shape.every((size, axis) => axis === 0 || size === longest[axis])) return part;
    const own = rows === tensor.shape[0] ? tensor : copyRows(part);
    return { tensor: padTensor(own, longest), from: 0, rows };
  });
}

function checkGrowth(parts: readonly Rows[], longest: readonly number[]): void {
  const { dtype } = parts[0]!.tensor;
  const bytes = dtype === "string" ? STRING_BYTES : ARRAY_TYPES[dtype].bytes;
  let own = 0;
  let total = 0;
  for (const { tensor, rows } of parts) {
    own += rows * rowElements(tensor.shape);
    total += rows;
  }
  const padded = total * rowElements(longest);
  if (padded * bytes <= MOST_PADDED_BYTES || padded <= own * MOST_GROWTH) return;
  throw new ServingError("resource-exhausted", "the rows of a batch are too different in size to be padded");
}
