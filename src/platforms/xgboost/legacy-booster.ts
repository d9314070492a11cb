import { ServingError } from "../../base/serving-error.ts";
import { type Booster, damaged, type LinearModel, type Tree, type TreeModel } from "./booster.ts";

const LEARNER_BYTES = 136;
const TREES_BYTES = 160;
const TREE_BYTES = 148;
const NODE_BYTES = 20;
const STATISTICS_BYTES = 16;
const LINEAR_BYTES = 136;
/** Bit of a node's column that sends missing values to the left. */
const DEFAULT_LEFT = 2 ** 31;
const MOST_NAME_BYTES = 64;
const MOST_GROUPS = 2 ** 20;
/** A string of the language holds no more. */
const MOST_BASE64 = 2 ** 29 - 25;
const BASE64 = "bs64\t";
const NO_CATEGORIES: ReadonlyMap<number, ArrayLike<number>> = new Map();

/**
 * The model of a file in the binary form that the library wrote until 2.x: plain, behind `binf`, or as base64 behind `bs64`.
 * @param file what errors call it
 * @throws ServingError data-loss for a damaged file, unimplemented for what is not known here; each names the file
 */
export function boosterOfLegacy(bytes: Buffer, file: string): Booster {
  if (bytes.toString("latin1", 0, BASE64.length) === BASE64) {
    if (bytes.length > MOST_BASE64) throw new ServingError("unimplemented", `${file} is base64 of more than 512 MiB`);
    return boosterOfLegacy(Buffer.from(bytes.toString("latin1", BASE64.length), "base64"), file);
  }
  const reader = new Reader(bytes, file);
  if (bytes.toString("latin1", 0, 4) === "binf") reader.take(4);
  const { view } = reader;
  const learner = reader.take(LEARNER_BYTES);
  const classes = view.getInt32(learner + 8, true);
  const targets = view.getUint32(learner + 28, true);
  const groups = Math.max(classes, targets, 1);
  if (groups > MOST_GROUPS) throw damaged(file, `has ${groups} classes where ${MOST_GROUPS} are expected at most`);
  const columns = view.getUint32(learner + 4, true);
  if (columns < 1 || columns >= DEFAULT_LEFT) throw damaged(file, `has ${columns} columns`);
  const [objective, booster] = [reader.name(), reader.name()];
  const model = modelOf(reader, booster);
  return {
    base: [view.getFloat32(learner, true)],
    columns,
    groups,
    names: [],
    version: view.getUint32(learner + 20, true) * 100 + view.getUint32(learner + 24, true),
    objective,
    model,
    attributes: view.getInt32(learner + 12, true) === 0 ? new Map() : reader.attributes(),
  };
}

/** Whether a file's first 256 bytes are those of a file in this form. */
export function beginsLikeLegacy(first: Buffer): boolean {
  const text = first.toString("latin1");
  if (text.startsWith(BASE64)) return /^[A-Za-z0-9+/]{40}/.test(text.slice(BASE64.length));
  const at = (text.startsWith("binf") ? 4 : 0) + LEARNER_BYTES;
  if (first.length < at + 16) return false;
  const length = first.readBigUInt64LE(at);
  if (length > MOST_NAME_BYTES) return false;
  const booster = at + 8 + Number(length);
  return /^(.{8})(gbtree|dart|gblinear)/s.test(text.slice(booster)) && /^[\w:]+$/.test(text.slice(at + 8, booster));
}

function modelOf(reader: Reader, name: string): TreeModel | LinearModel {
  if (name === "gblinear") {
    reader.take(LINEAR_BYTES);
    return { kind: "linear", weights: reader.floats() };
  }
  if (name !== "gbtree" && name !== "dart") {
    throw new ServingError(
      "unimplemented",
      `${reader.file} has a booster ${JSON.stringify(name)}, which is not known (known: gbtree, dart, gblinear)`,
    );
  }
  const { view, file } = reader;
  const parameters = reader.take(TREES_BYTES);
  const count = view.getInt32(parameters, true);
  // Before 1.0 it is the number of roots, which is 1.
  const parallel = Math.max(1, view.getInt32(parameters + 4, true));
  if (count < 0 || count > reader.left / TREE_BYTES) throw damaged(file, `is too short for the ${count} trees it says it has`);
  const trees: Tree[] = [];
  for (let i = 0; i < count; i++) trees.push(treeOf(reader, i));
  const groups = new Int32Array(count);
  const groupsAt = reader.take(count * 4);
  for (let i = 0; i < count; i++) groups[i] = view.getInt32(groupsAt + i * 4, true);
  return { kind: "trees", trees, groups, parallel, ...(name === "dart" && { weights: reader.floats() }) };
}

function treeOf(reader: Reader, number: number): Tree {
  const { view, file } = reader;
  const parameters = reader.take(TREE_BYTES);
  const roots = view.getInt32(parameters, true);
  const leafSize = view.getInt32(parameters + 20, true);
  if (roots !== 1 || leafSize > 1) {
    throw new ServingError(
      "unimplemented",
      `${file}: tree ${number} has ${roots} roots and leaves of ${leafSize} numbers, not one`,
    );
  }
  const count = view.getInt32(parameters + 4, true);
  if (count < 1 || count > reader.left / NODE_BYTES) throw damaged(file, `breaks off in tree ${number}, of ${count} nodes`);
  const nodes = reader.take(count * NODE_BYTES);
  reader.take(count * STATISTICS_BYTES);
  const tree = {
    left: new Int32Array(count),
    right: new Int32Array(count),
    features: new Float64Array(count),
    values: new Float32Array(count),
    defaultLeft: new Uint8Array(count),
    categories: NO_CATEGORIES,
  };
  for (let i = 0; i < count; i++) {
    const node = nodes + i * NODE_BYTES;
    const feature = view.getUint32(node + 12, true);
    tree.left[i] = view.getInt32(node + 4, true);
    tree.right[i] = view.getInt32(node + 8, true);
    tree.features[i] = feature % DEFAULT_LEFT;
    tree.defaultLeft[i] = feature >= DEFAULT_LEFT ? 1 : 0;
    tree.values[i] = view.getFloat32(node + 16, true);
  }
  return tree;
}

class Reader {
  readonly view: DataView;
  readonly file: string;
  #at = 0;

  constructor(bytes: Buffer, file: string) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.file = file;
  }

  get left(): number {
    return this.view.byteLength - this.#at;
  }

  /** Goes on by some bytes; where they begin. */
  take(count: number): number {
    if (count > this.left) throw damaged(this.file, "breaks off before its end");
    const start = this.#at;
    this.#at += count;
    return start;
  }

  name(): string {
    const length = this.#length();
    if (length > MOST_NAME_BYTES) throw damaged(this.file, "has no name where one is expected");
    const start = this.take(length);
    return Buffer.from(this.view.buffer, this.view.byteOffset + start, length).toString("latin1");
  }

  /** What is noted at the end of a file, as far as it is there: models are answered without it. */
  attributes(): ReadonlyMap<string, string> {
    const attributes = new Map<string, string>();
    if (this.left < 8) return attributes;
    for (let count = this.#length(); count > 0 && this.left >= 16; count--) {
      const [key, value] = [this.#text(), this.#text()];
      if (key === undefined || value === undefined) break;
      attributes.set(key, value);
    }
    return attributes;
  }

  #text(): string | undefined {
    if (this.left < 8) return undefined;
    const length = this.#length();
    if (length > this.left) return undefined;
    return Buffer.from(this.view.buffer, this.view.byteOffset + this.take(length), length).toString("utf8");
  }

  floats(): Float32Array {
    const count = this.#length();
    const start = this.take(count * 4);
    return Float32Array.from({ length: count }, (_, i) => this.view.getFloat32(start + i * 4, true));
  }

  /** Not exact beyond 2^53, where any is too long. */
  #length(): number {
    return Number(this.view.getBigUint64(this.take(8), true));
  }
}
