import {
  type CategorySets,
  type LinearLeaves,
  NODE_CATEGORICAL,
  NODE_DEFAULT_LEFT,
  NODE_NAN_IS_MISSING,
  NODE_ZERO_IS_MISSING,
  type TreeEnsemble,
} from "../../model/tabular/tabular-program.ts";
import { readDoubles, readInteger, readIntegers } from "./number-list.ts";
import { SharedTable } from "./shared-table.ts";
import { damaged, type Field, nameOf, type TextLines } from "./text-lines.ts";

const KEYS = new Set([
  "num_leaves",
  "num_cat",
  "split_feature",
  "threshold",
  "decision_type",
  "left_child",
  "right_child",
  "leaf_value",
  "cat_boundaries",
  "cat_threshold",
  "is_linear",
  "leaf_const",
  "num_features",
  "leaf_features",
  "leaf_coeff",
]);
/** There are 22 at most. */
const MOST_LINES = 100;
/** Bytes that a leaf takes at least, in all of its tree's lists together. */
const LEAST_LEAF_BYTES = 6;
const INT_MAX = 2 ** 31 - 1;

/** By bits 2 and 3 of a `decision_type`. */
const MISSING_RULES = [0, NODE_ZERO_IS_MISSING, NODE_NAN_IS_MISSING];
const MOST_DECISION_TYPE = 11;

/** The lists of one tree. */
type TreeFields = ReadonlyMap<string, Field>;

/** Reads trees one after the other into tables. What is in the tables is checked: no index leads out, no walk is endless. */
export class TreeReader {
  readonly #file: string;
  readonly #columns: number;
  readonly #roots = new SharedTable(Int32Array);
  readonly #features = new SharedTable(Int32Array);
  readonly #values = new SharedTable(Float64Array);
  readonly #left = new SharedTable(Int32Array);
  readonly #right = new SharedTable(Int32Array);
  readonly #rules = new SharedTable(Uint8Array);
  readonly #setStarts = new SharedTable(Int32Array);
  readonly #setLengths = new SharedTable(Int32Array);
  readonly #setWords = new SharedTable(Uint32Array);
  readonly #constants = new SharedTable(Float64Array);
  readonly #termStarts = new SharedTable(Int32Array);
  readonly #termLengths = new SharedTable(Int32Array);
  readonly #termColumns = new SharedTable(Int32Array);
  readonly #coefficients = new SharedTable(Float64Array);

  /** @param file what errors call the file */
  constructor(file: string, columns: number) {
    this.#file = file;
    this.#columns = columns;
  }

  /** Trees read so far. */
  get trees(): number {
    return this.#roots.length;
  }

  /**
   * Reads a tree whose line `Tree=` is the current one, up to the empty line behind it.
   * @throws ServingError data-loss, naming the file and the tree; nothing can be read after that
   */
  read(lines: TextLines): void {
    const where = `${this.#file}, tree ${this.trees}`;
    const begin = lines.start;
    const fields = fieldsOf(lines, where);
    const leaves = readInteger(need(fields, "num_leaves", where), 1, Math.ceil((lines.start - begin) / LEAST_LEAF_BYTES));
    const root = this.#features.length;
    const leafNode = root + leaves - 1;
    const nodes = root + 2 * leaves - 1;
    if (nodes > INT_MAX) throw damaged(where, "is beyond the number of nodes that a model may have");
    this.#roots.push(root);
    this.#features.extendTo(nodes, -1);
    for (const table of [this.#values, this.#left, this.#right, this.#rules]) table.extendTo(nodes);
    readDoubles(need(fields, "leaf_value", where), this.#values.array, leafNode, leaves);
    for (let leaf = 0; leaf < leaves; leaf++) this.#left.array[leafNode + leaf] = leaf;
    if (leaves > 1) this.#readSplits(fields, where, root, leaves);
    if (isLinear(fields)) this.#readLinearLeaves(fields, where, leafNode, leaves);
  }

  /** The trees, as sums of `groups`. */
  ensemble(groups: number): Omit<TreeEnsemble, "divisor"> {
    const treeGroups = new Int32Array(new SharedArrayBuffer(4 * this.trees));
    for (let tree = 0; tree < this.trees; tree++) treeGroups[tree] = tree % groups;
    const nodes = this.#features.length;
    return {
      precision: "float64",
      columns: this.#columns,
      groups,
      roots: this.#roots.shared(),
      treeGroups,
      features: this.#features.shared(),
      values: this.#values.shared(),
      left: this.#left.shared(),
      right: this.#right.shared(),
      rules: this.#rules.shared(),
      leftWhen: "less-or-equal",
      ...(this.#setLengths.length > 0 && { categories: this.#categories(nodes) }),
      base: new Float64Array(new SharedArrayBuffer(8 * groups)),
      baseIsAdded: "first",
      ...(this.#termStarts.length > 0 && { linearLeaves: this.#linearLeaves(nodes) }),
    };
  }

  #readSplits(fields: TreeFields, where: string, root: number, leaves: number): void {
    const splits = leaves - 1;
    const features = this.#features.array;
    readIntegers(need(fields, "split_feature", where), features, root, splits, 0, this.#columns - 1);
    readDoubles(need(fields, "threshold", where), this.#values.array, root, splits);
    for (const [key, table] of [["left_child", this.#left] as const, ["right_child", this.#right] as const]) {
      readIntegers(need(fields, key, where), table.array, root, splits, -leaves, splits - 1);
    }
    this.#placeChildren(where, root, leaves);
    const decisions = fields.get("decision_type");
    if (decisions !== undefined) readIntegers(decisions, this.#rules.array, root, splits, 0, MOST_DECISION_TYPE);
    const categorical = this.#placeRules(root, splits);
    if (categorical) this.#readCategories(fields, where, root, splits);
  }

  /** Makes node numbers of a tree's own: inner nodes from 0 on, leaves from -1 down. Each has one parent, so that no walk is a circle. */
  #placeChildren(where: string, root: number, leaves: number): void {
    const seen = new Uint8Array(2 * leaves - 1);
    for (const children of [this.#left.array, this.#right.array]) {
      for (let node = root; node < root + leaves - 1; node++) {
        const child = children[node];
        const place = child >= 0 ? child : leaves - 2 - child;
        if (place === 0 || seen[place] === 1) {
          const name = child >= 0 ? `node ${child}` : `leaf ${-child - 1}`;
          throw damaged(where, place === 0 ? "has its root as a child" : `has ${name} twice as a child`);
        }
        seen[place] = 1;
        children[node] = root + place;
      }
    }
  }

  /** Makes rules of decision types; whether there are sets of categories. Missing values have no rule of their own there. */
  #placeRules(root: number, splits: number): boolean {
    const rules = this.#rules.array;
    let categorical = false;
    for (let node = root; node < root + splits; node++) {
      const decision = rules[node];
      if (decision & 1) {
        categorical = true;
        rules[node] = NODE_CATEGORICAL;
      } else {
        rules[node] = MISSING_RULES[decision >> 2] | (decision & 2 ? NODE_DEFAULT_LEFT : 0);
      }
    }
    return categorical;
  }

  #readCategories(fields: TreeFields, where: string, root: number, splits: number): void {
    const counted = need(fields, "num_cat", where);
    const bounds = need(fields, "cat_boundaries", where);
    const words = need(fields, "cat_threshold", where);
    const sets = readInteger(counted, 1, splits);
    const boundaries = new Int32Array(sets + 1);
    readIntegers(bounds, boundaries, 0, sets + 1, 0, Math.ceil((words.end - words.start) / 2));
    if (boundaries[0] !== 0 || boundaries.some((each, i) => i > 0 && each < boundaries[i - 1])) {
      throw damaged(nameOf(bounds), "does not go up from 0");
    }
    const first = this.#setWords.length;
    this.#setWords.extendTo(first + boundaries[sets]);
    readIntegers(words, this.#setWords.array, first, boundaries[sets], 0, 2 ** 32 - 1);
    this.#setStarts.extendTo(root + splits);
    this.#setLengths.extendTo(root + splits);
    for (let node = root; node < root + splits; node++) {
      if (this.#rules.array[node] !== NODE_CATEGORICAL) continue;
      const set = this.#values.array[node];
      if (!Number.isInteger(set) || set < 0 || set >= sets) {
        throw damaged(`${where}: threshold`, `has ${set} where one of ${sets} sets of categories is expected`);
      }
      this.#setStarts.array[node] = first + boundaries[set];
      this.#setLengths.array[node] = boundaries[set + 1] - boundaries[set];
    }
  }

  #readLinearLeaves(fields: TreeFields, where: string, leafNode: number, leaves: number): void {
    const constants = need(fields, "leaf_const", where);
    const counts = need(fields, "num_features", where);
    this.#constants.extendTo(leafNode + leaves);
    this.#termStarts.extendTo(leafNode + leaves, -1);
    this.#termLengths.extendTo(leafNode + leaves, -1);
    readDoubles(constants, this.#constants.array, leafNode, leaves);
    const lengths = this.#termLengths.array;
    const columns = fields.get("leaf_features");
    const most = columns === undefined ? 0 : Math.ceil((columns.end - columns.start) / 2);
    readIntegers(counts, lengths, leafNode, leaves, 0, most);
    let next = this.#termColumns.length;
    for (let leaf = leafNode; leaf < leafNode + leaves; leaf++) {
      this.#termStarts.array[leaf] = next;
      next += lengths[leaf];
    }
    const first = this.#termColumns.length;
    const terms = next - first;
    if (terms === 0) return;
    if (terms > most) throw damaged(`${where}: num_features`, `adds up to ${terms}, more than leaf_features has`);
    this.#termColumns.extendTo(next);
    this.#coefficients.extendTo(next);
    readIntegers(need(fields, "leaf_features", where), this.#termColumns.array, first, terms, 0, this.#columns - 1);
    readDoubles(need(fields, "leaf_coeff", where), this.#coefficients.array, first, terms);
  }

  #categories(nodes: number): CategorySets {
    this.#setStarts.extendTo(nodes);
    this.#setLengths.extendTo(nodes);
    return {
      inSet: "left",
      starts: this.#setStarts.shared(),
      lengths: this.#setLengths.shared(),
      words: this.#setWords.shared(),
    };
  }

  #linearLeaves(nodes: number): LinearLeaves {
    this.#constants.extendTo(nodes);
    this.#termStarts.extendTo(nodes, -1);
    this.#termLengths.extendTo(nodes, -1);
    return {
      constants: this.#constants.shared(),
      starts: this.#termStarts.shared(),
      lengths: this.#termLengths.shared(),
      columns: this.#termColumns.shared(),
      coefficients: this.#coefficients.shared(),
    };
  }
}

/** The lines up to the empty one behind a tree, which is then the current line. */
function fieldsOf(lines: TextLines, where: string): TreeFields {
  const fields = new Map<string, Field>();
  for (let count = 0; lines.next(); count++) {
    if (lines.isBlank) return fields;
    if (count === MOST_LINES) throw damaged(where, `has more than ${MOST_LINES} lines`);
    const key = lines.key();
    if (key !== undefined && KEYS.has(key)) fields.set(key, lines.field(key, where));
  }
  throw damaged(where, "is where the file breaks off");
}

function need(fields: TreeFields, key: string, where: string): Field {
  const field = fields.get(key);
  if (field === undefined) throw damaged(where, `does not say ${key}`);
  return field;
}

function isLinear(fields: TreeFields): boolean {
  const field = fields.get("is_linear");
  return field !== undefined && readInteger(field, 0, 1) === 1;
}
