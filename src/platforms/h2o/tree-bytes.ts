import { damaged } from "./mojo-files.ts";

/** What takes the nodes of a tree as they are read. Nodes are numbered as they come. */
export interface TreeNodes {
  /** Adds a leaf; its number. */
  leaf(value: number): number;
  /** Adds a node whose children are not known yet; its number. */
  split(column: number, test: SplitTest): number;
  /** Says which node is a child. */
  child(parent: number, isLeft: boolean, node: number): void;
}

/** What sends a row to the right; missing values go where `missingLeft` says. */
export type SplitTest =
  /** Nothing but a missing value. */
  | { readonly kind: "present"; readonly missingLeft: boolean }
  /** A number that is not below. */
  | { readonly kind: "number"; readonly missingLeft: boolean; readonly threshold: number }
  /** A level that is in a set; one that is not of the set's range is missing, or goes left. */
  | { readonly kind: "levels"; readonly missingLeft: boolean; readonly set: LevelSet };

/** Bit `i % 8` of byte `i / 8` is level `first + i`. */
export interface LevelSet {
  readonly first: number;
  readonly bits: number;
  readonly bytes: Buffer;
  readonly othersAreMissing: boolean;
}

const NO_COLUMN = 0xffff;
/** Bits of a node's first byte. */
const LEFT_SIZE = 0x33;
const LEFT_IS_LEAF = 0x30;
const KIND = 0x0c;
const KIND_NUMBER = 0;
const KIND_SET_32 = 8;
const KIND_SET = 12;
const RIGHT_IS_LEAF = 0x40;
/** How missing values were met in training. */
const MISSING_OR_REST = 1;
const MISSING_LEFT = 2;
const LEFT = 4;

/** A node as it begins. */
interface Begun {
  readonly column: number;
  readonly test: SplitTest;
  readonly leftIsLeaf: boolean;
  /** Bytes of its left part. */
  readonly leftSize: number;
  readonly rightIsLeaf: boolean;
}

/** A node whose children are being read. */
interface Open {
  readonly node: number;
  /** Where its left part ends. */
  readonly end: number;
  readonly rightIsLeaf: boolean;
  isRight: boolean;
}

/**
 * Reads the bytes of a tree from their beginning to their end, once: each part lies behind the one before, so that no size in it leads back.
 *
 * @param version of the format: up to 1.1 the length of a set was in bytes, and up to 1.0 what is not in its range went left
 * @param columns of a row
 * @throws ServingError data-loss, naming `where`, for bytes that are no tree
 */
export function readTree(bytes: Buffer, version: number, columns: number, nodes: TreeNodes, where: string): void {
  const reader = new TreeReader(bytes, where);
  const open: Open[] = [];
  let isLeaf = false;
  for (;;) {
    const begun: Begun | undefined = isLeaf ? undefined : reader.split(version, columns);
    const node = begun === undefined ? nodes.leaf(reader.float()) : nodes.split(begun.column, begun.test);
    const parent = open.at(-1);
    if (parent !== undefined) nodes.child(parent.node, !parent.isRight, node);
    if (begun !== undefined) {
      open.push({ node, end: reader.position + begun.leftSize, rightIsLeaf: begun.rightIsLeaf, isRight: false });
      isLeaf = begun.leftIsLeaf;
      continue;
    }
    while (open.at(-1)?.isRight) open.pop();
    const waiting = open.at(-1);
    if (waiting === undefined) return;
    if (reader.position !== waiting.end)
      throw damaged(where, `has a part that ends at ${reader.position}, not at ${waiting.end}`);
    waiting.isRight = true;
    isLeaf = waiting.rightIsLeaf;
  }
}

class TreeReader {
  position = 0;
  readonly #bytes: Buffer;
  readonly #where: string;

  constructor(bytes: Buffer, where: string) {
    this.#bytes = bytes;
    this.#where = where;
  }

  float(): number {
    return this.#bytes.readFloatLE(this.#take(4));
  }

  /** What a node is; undefined where it is a leaf, whose value comes next. */
  split(version: number, columns: number): Begun | undefined {
    const type = this.#bytes[this.#take(1)]!;
    const column = this.#bytes.readUInt16LE(this.#take(2));
    if (column === NO_COLUMN) return undefined;
    if (column >= columns) throw damaged(this.#where, `looks at column ${column} of ${columns}`);
    const direction = this.#bytes[this.#take(1)]!;
    const test = this.#test(type & KIND, direction, version);
    const size = type & LEFT_SIZE;
    if (size > 3 && size !== LEFT_IS_LEAF) throw damaged(this.#where, `has a node of the type ${type}`);
    const leftIsLeaf = size === LEFT_IS_LEAF;
    const leftSize = leftIsLeaf ? 4 : this.#bytes.readUIntLE(this.#take(size + 1), size + 1);
    return { column, test, leftIsLeaf, leftSize, rightIsLeaf: (type & RIGHT_IS_LEAF) !== 0 };
  }

  #test(kind: number, direction: number, version: number): SplitTest {
    const missingLeft = direction === MISSING_LEFT || direction === LEFT;
    if (direction === MISSING_OR_REST) return { kind: "present", missingLeft };
    if (kind === KIND_NUMBER) return { kind: "number", missingLeft, threshold: this.float() };
    if (kind === KIND_SET_32) return { kind: "levels", missingLeft, set: this.#set(0, 32, version) };
    if (kind !== KIND_SET) throw damaged(this.#where, `has a comparison of the kind ${kind}`);
    const first = this.#bytes.readUInt16LE(this.#take(2));
    const bits = version > 1.1 ? this.#bytes.readUInt32LE(this.#take(4)) : 8 * this.#bytes.readUInt16LE(this.#take(2));
    return { kind: "levels", missingLeft, set: this.#set(first, bits, version) };
  }

  #set(first: number, bits: number, version: number): LevelSet {
    const length = Math.ceil(bits / 8);
    const start = this.#take(length);
    return { first, bits, bytes: this.#bytes.subarray(start, start + length), othersAreMissing: version > 1 };
  }

  /** Where the next bytes begin. */
  #take(count: number): number {
    const start = this.position;
    if (count > this.#bytes.length - start) throw damaged(this.#where, `is cut off: ${count} bytes are expected at ${start}`);
    this.position += count;
    return start;
  }
}
