import type { AllocationBudget } from "../allocation-budget.ts";
import { ProtobufReader } from "./reader.ts";

/**
 * The bytes of every occurrence of a length-delimited field, one after the other: what several occurrences of one
 * singular sub-message mean, since messages merge when their bytes are put together.
 * @param ranges pairs of start and end of the messages that hold the field.
 * @throws ServingError invalid-argument for malformed bytes, or when the budget does not allow the copy.
 */
export function gatherField(bytes: Uint8Array, ranges: readonly number[], field: number, budget: AllocationBudget): Uint8Array {
  let total = 0;
  forEachOccurrence(bytes, ranges, field, (start, end) => {
    total += end - start;
  });
  budget.take(total);
  const gathered = new Uint8Array(total);
  let position = 0;
  forEachOccurrence(bytes, ranges, field, (start, end) => {
    gathered.set(bytes.subarray(start, end), position);
    position += end - start;
  });
  return gathered;
}

/** Calls `visit` with the start and the end of every occurrence of a length-delimited field, in order. */
export function forEachOccurrence(
  bytes: Uint8Array,
  ranges: readonly number[],
  field: number,
  visit: (start: number, end: number) => void,
): void {
  for (let i = 0; i < ranges.length; i += 2) {
    const reader = new ProtobufReader(bytes, ranges[i], ranges[i + 1]);
    for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
      if (tag !== field) reader.skip(tag);
      else {
        const length = reader.readLength();
        visit(reader.position, reader.position + length);
        reader.position += length;
      }
    }
  }
}
