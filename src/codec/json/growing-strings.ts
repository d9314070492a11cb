import type { StringArray } from "../../tensor/string-array.ts";

/** Part of the space that may stay unused without what is in it being copied. */
const ACCEPTED_SLACK = 1 / 16;

/** Byte strings in one piece, as many as come. */
export class GrowingStrings {
  /** Strings so far. */
  count = 0;
  /** Where to write, from the position that {@link reserve} gives. */
  bytes = new Uint8Array(256);
  private offsets = new Uint32Array(17);

  /** Makes room for one more string of at most so many bytes and gives where it begins. */
  reserve(more: number): number {
    const start = this.offsets[this.count];
    if (this.count + 2 > this.offsets.length) {
      const larger = new Uint32Array(this.offsets.length * 2);
      larger.set(this.offsets);
      this.offsets = larger;
    }
    if (start + more > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.bytes.length * 2, start + more));
      larger.set(this.bytes.subarray(0, start));
      this.bytes = larger;
    }
    return start;
  }

  /** Ends the string for which room was made. */
  add(end: number): void {
    this.offsets[++this.count] = end;
  }

  /** All of them, in memory of their own. Must not be used after. */
  take(): StringArray {
    const { count, bytes } = this;
    const length = this.offsets[count];
    const kept = bytes.length - length <= bytes.length * ACCEPTED_SLACK ? bytes.subarray(0, length) : bytes.slice(0, length);
    return { length: count, offsets: this.offsets.slice(0, count + 1), bytes: kept };
  }
}
