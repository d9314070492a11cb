import { ServingError } from "../../base/serving-error.ts";
import type { JsonDocument } from "./document.ts";
import type { ElementReader } from "./element.ts";
import { valueError } from "./json-error.ts";
import type { NumberBlock } from "./number-block.ts";
import { expectBlocks, readNumberBlock } from "./read-number-block.ts";
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
  const { bytes } = document;
  if (bytes[start] !== 0x5b) return { end: elements.read(bytes, start), shape: [] };
  const block = blockAt(document, start, elements);
  if (block === undefined) return new NestedLists(bytes, start, elements).read();
  elements.readBlock(block);
  return block;
}

/** The array at `start` as numbers for `elements`; undefined where it must be read one by one. */
export function blockAt(document: JsonDocument, start: number, elements: ElementReader): NumberBlock | undefined {
  const { blockType } = elements;
  if (blockType === undefined) return undefined;
  expectBlocks(blockType);
  const block = document.blocks.get(start);
  if (block?.dtype === blockType) return block;
  return readNumberBlock(document.bytes, start, document.root.end - 1, blockType);
}

/** Reads lists of any kind of element, one at a time. */
class NestedLists {
  private readonly bytes: Uint8Array;
  private readonly elements: ElementReader;
  private readonly start: number;
  /** Sizes of the lists by level; -1 until the first of a level ends. */
  private readonly shape: number[] = [];
  /** How many elements the open lists have had, by level. */
  private readonly counts: number[] = [];
  private depth = 0;
  /** The value being looked at, or the bracket that ends a list. */
  private at = 0;
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
    this.at = this.start;
    for (;;) {
      if (bytes[this.at] === 0x5b) {
        this.open();
        this.at = skipSpace(bytes, this.at + 1, bytes.length);
        if (bytes[this.at] !== 0x5d) continue;
        if (this.rank < 0) this.rank = this.depth;
      } else {
        this.checkLeaf();
        this.afterValue(this.elements.read(bytes, this.at));
      }
      while (bytes[this.at] === 0x5d) {
        this.close();
        if (this.depth === 0) return this.at + 1;
        this.afterValue(this.at + 1);
      }
      this.at = skipSpace(bytes, this.at + 1, bytes.length);
    }
  }

  /** Goes to the comma or bracket after a value that ends at `end`. */
  private afterValue(end: number): void {
    this.counts[this.depth - 1]++;
    this.at = skipSpace(this.bytes, end, this.bytes.length);
  }

  private open(): void {
    const limit = this.rank < 0 ? LARGEST_RANK : this.rank;
    if (this.depth >= limit) throw invalid(`Encountered list at unexpected level: ${this.depth} expected < ${limit}`);
    if (this.rank < 0) this.shape.push(-1);
    this.counts[this.depth++] = 0;
  }

  private checkLeaf(): void {
    if (this.rank < 0) this.rank = this.depth;
    if (this.depth === this.rank) return;
    const end = scanValue(this.bytes, this.at, this.bytes.length);
    const rest = `found at incorrect level: ${this.depth + 1} in the JSON DOM. Expected at level: ${this.rank}`;
    throw valueError(this.bytes, this.at, end, rest);
  }

  private close(): void {
    const level = this.depth - 1;
    const size = this.counts[level];
    if (this.shape[level] < 0) this.shape[level] = size;
    else if (this.shape[level] !== size) throw sizeError(size, level, this.shape[level]);
    this.depth = level;
  }

  /** Counts the open lists to their ends, each byte once, and throws for the outermost of another size than its level's. */
  private checkOpenLists(): void {
    const { bytes, counts, shape } = this;
    const open = this.depth;
    for (let level = open - 1; level >= 0; level--) {
      while (bytes[this.at] !== 0x5d) {
        if (bytes[this.at] === 0x2c) this.at = skipSpace(bytes, this.at + 1, bytes.length);
        this.depth = level + 1;
        this.afterValue(scanValue(bytes, this.at, bytes.length));
      }
      if (level > 0) {
        this.depth = level;
        this.afterValue(this.at + 1);
      }
    }
    const wrong = shape.findIndex((size, level) => level < open && size >= 0 && size !== counts[level]);
    if (wrong >= 0) throw sizeError(counts[wrong], wrong, shape[wrong]);
  }
}

function sizeError(size: number, level: number, expected: number): ServingError {
  return invalid(`Encountered list at unexpected size: ${size} at level: ${level} expected size: ${expected}`);
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
