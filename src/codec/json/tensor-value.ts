import { ServingError } from "../../base/serving-error.ts";
import type { JsonDocument } from "./document.ts";
import type { ElementReader } from "./element.ts";
import { valueError } from "./json-error.ts";
import { readNumberBlock } from "./number-block.ts";
import { scanValue, skipSpace } from "./scan.ts";

/** Most dimensions a tensor may have (TensorFlow's limit). */
const LARGEST_RANK = 254;

/** What {@link readTensorValue} found beside the elements. */
export interface ReadValue {
  readonly end: number;
  readonly shape: readonly number[];
}

/**
 * Appends the elements of the value at `start` to `elements`. The shape is that of the first element at each level; a value
 * that is not a list has none.
 * @throws ServingError for a ragged list, a value or list at the wrong level, or an element of another type.
 */
export function readTensorValue(document: JsonDocument, start: number, elements: ElementReader): ReadValue {
  const { bytes, view, root, blocks } = document;
  if (bytes[start] !== 0x5b) return { end: elements.read(bytes, start), shape: [] };
  if (elements.takesBlocks) {
    const block = blocks.get(start) ?? readNumberBlock(bytes, view, start, root.end - 1);
    if (block !== undefined && elements.readBlock(block)) return block;
  }
  return new NestedLists(bytes, start, elements).read();
}

/** Reads lists of any kind of element, one at a time. */
class NestedLists {
  private readonly bytes: Uint8Array;
  private readonly elements: ElementReader;
  private readonly start: number;
  /** Sizes of the lists by level; -1 until the first of a level ends. */
  private readonly shape: number[] = [];
  /** Where the open lists start, by level, and how many elements they have had. */
  private readonly starts: number[] = [];
  private readonly counts: number[] = [];
  private depth = 0;
  /** -1 until the first leaf or empty list tells. */
  private rank = -1;

  constructor(bytes: Uint8Array, start: number, elements: ElementReader) {
    this.bytes = bytes;
    this.start = start;
    this.elements = elements;
  }

  read(): ReadValue {
    try {
      return { end: this.readLists(), shape: this.shape };
    } catch (error) {
      // TensorFlow Serving knows the size of a list before it looks at what is in it, so that fault comes first.
      this.checkOpenLists();
      throw error;
    }
  }

  private readLists(): number {
    const { bytes } = this;
    let at = this.start;
    for (;;) {
      if (bytes[at] === 0x5b) {
        this.open(at);
        at = skipSpace(bytes, at + 1, bytes.length);
        if (bytes[at] !== 0x5d) continue;
        if (this.rank < 0) this.rank = this.depth;
      } else {
        this.checkLeaf(at);
        at = this.elements.read(bytes, at);
        this.counts[this.depth - 1]++;
        at = skipSpace(bytes, at, bytes.length);
      }
      while (bytes[at] === 0x5d) {
        this.close();
        at++;
        if (this.depth === 0) return at;
        this.counts[this.depth - 1]++;
        at = skipSpace(bytes, at, bytes.length);
      }
      at = skipSpace(bytes, at + 1, bytes.length);
    }
  }

  private open(at: number): void {
    const limit = this.rank < 0 ? LARGEST_RANK : this.rank;
    if (this.depth >= limit) throw invalid(`Encountered list at unexpected level: ${this.depth} expected < ${limit}`);
    if (this.rank < 0) this.shape.push(-1);
    this.starts[this.depth] = at;
    this.counts[this.depth++] = 0;
  }

  private checkLeaf(at: number): void {
    if (this.rank < 0) this.rank = this.depth;
    if (this.depth === this.rank) return;
    const end = scanValue(this.bytes, at, this.bytes.length);
    const rest = `found at incorrect level: ${this.depth + 1} in the JSON DOM. Expected at level: ${this.rank}`;
    throw valueError(this.bytes, at, end, rest);
  }

  private close(): void {
    const level = this.depth - 1;
    const size = this.counts[level];
    if (this.shape[level] < 0) this.shape[level] = size;
    else if (this.shape[level] !== size) throw sizeError(size, level, this.shape[level]);
    this.depth = level;
  }

  private checkOpenLists(): void {
    for (let level = 0; level < this.depth; level++) {
      const expected = this.shape[level];
      if (expected < 0) continue;
      const size = listSize(this.bytes, this.starts[level]);
      if (size !== expected) throw sizeError(size, level, expected);
    }
  }
}

/** Elements of the scanned list whose bracket is at `start`. */
function listSize(bytes: Uint8Array, start: number): number {
  let at = skipSpace(bytes, start + 1, bytes.length);
  if (bytes[at] === 0x5d) return 0;
  for (let size = 1; ; size++) {
    at = skipSpace(bytes, scanValue(bytes, at, bytes.length), bytes.length);
    if (bytes[at] === 0x5d) return size;
    at = skipSpace(bytes, at + 1, bytes.length);
  }
}

function sizeError(size: number, level: number, expected: number): ServingError {
  return invalid(`Encountered list at unexpected size: ${size} at level: ${level} expected size: ${expected}`);
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
