import type { PlaneTrees } from "../../model/tabular/h2o-operations.ts";
import { sharedFloats, sharedIntegers } from "../shared-arrays.ts";
import type { Mojo } from "./mojo.ts";
import { damaged } from "./mojo-files.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Scored } from "./scored.ts";

const MOST_TREES = 1_000_000;
const NODE = "N".charCodeAt(0);
const LEAF = "L".charCodeAt(0);
/** Where nodes begin. */
const FIRST = 4;
/** Euler's constant as H2O has it. */
const EULER = 0.5772156649;
/** Numbers of nodes double with each level. */
const MOST_NUMBER = 2 ** 30;

/** A forest of trees that are split by planes: mean lengths of paths, and how short they are. */
export async function extendedIsolationForest(mojo: Mojo, rows: string, builder: ProgramBuilder): Promise<Scored> {
  const { settings, files, where, features } = mojo;
  const count = settings.count("ntrees", 1, MOST_TREES);
  const tables = new PlaneTables(features);
  for (let tree = 0; tree < count; tree++) {
    const file = `trees/t${String(tree).padStart(2, "0")}.bin`;
    const bytes = await files.read(file, builder.signal);
    tables.add(bytes, `${where}: ${file}`);
    await builder.turn(bytes.length);
  }
  const score = builder.add(rows, { kind: "plane-paths", trees: tables.shared() });
  const by = usualLength(settings.count("sample_size", 0, Number.MAX_SAFE_INTEGER, 0));
  const normalizedScore = builder.add(score, { kind: "h2o-link", link: { kind: "halving", by } });
  return { kind: "anomaly", score, normalizedScore };
}

/** The mean length of a path to what is not among `count` rows. */
function usualLength(count: number): number {
  if (count < 2) return 0;
  if (count === 2) return 1;
  return 2 * (Math.log(count - 1) + EULER) - (2 * (count - 1)) / count;
}

class PlaneTables {
  readonly #columns: number;
  readonly #roots: number[] = [];
  readonly #left: number[] = [];
  readonly #right: number[] = [];
  readonly #planes: number[] = [];
  readonly #lengths: number[] = [];
  readonly #normals: number[] = [];
  readonly #points: number[] = [];

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** @throws ServingError data-loss for bytes that are no tree whose nodes come behind their parents */
  add(bytes: Buffer, where: string): void {
    const columns = bytes.length >= FIRST ? bytes.readInt32LE(0) : -1;
    if (columns !== this.#columns) throw damaged(where, `has planes of ${columns} columns, not of ${this.#columns}`);
    const places = new Map<number, { readonly node: number; readonly isLeft: boolean; readonly depth: number }>();
    let open = 1;
    this.#roots.push(this.#left.length);
    // What follows the last node is room that the writer had left.
    for (let at = FIRST; open > 0; ) {
      if (bytes.length - at < 9) throw damaged(where, `is cut off at ${at}`);
      const [number, type] = [bytes.readInt32LE(at), bytes[at + 4]!];
      const place = places.get(number);
      if (place === undefined && (number !== 0 || at !== FIRST)) throw damaged(where, `has node ${number} without one above it`);
      at += 5;
      const size = type === NODE ? columns * 16 : 4;
      if ((type !== NODE && type !== LEAF) || bytes.length - at < size) throw damaged(where, `has node ${number} that is none`);
      places.delete(number);
      open--;
      const node = this.#node(place);
      const depth = place?.depth ?? 0;
      if (type === LEAF) this.#lengths[node] = depth + usualLength(bytes.readInt32LE(at));
      else {
        if (number >= MOST_NUMBER) throw damaged(where, `has node ${number}, which is too deep`);
        this.#plane(node, bytes, at);
        places.set(2 * number + 1, { node, isLeft: true, depth: depth + 1 });
        places.set(2 * number + 2, { node, isLeft: false, depth: depth + 1 });
        open += 2;
      }
      at += size;
    }
  }

  shared(): PlaneTrees {
    return {
      columns: this.#columns,
      roots: sharedIntegers(this.#roots),
      left: sharedIntegers(this.#left),
      right: sharedIntegers(this.#right),
      planes: sharedIntegers(this.#planes),
      normals: sharedFloats(this.#normals),
      points: sharedFloats(this.#points),
      lengths: sharedFloats(this.#lengths),
    };
  }

  #node(place: { readonly node: number; readonly isLeft: boolean } | undefined): number {
    const node = this.#left.length;
    this.#left.push(-1);
    this.#right.push(-1);
    this.#planes.push(0);
    this.#lengths.push(0);
    if (place !== undefined) (place.isLeft ? this.#left : this.#right)[place.node] = node;
    return node;
  }

  #plane(node: number, bytes: Buffer, at: number): void {
    this.#planes[node] = this.#normals.length;
    for (let i = 0; i < this.#columns; i++) {
      this.#normals.push(bytes.readDoubleLE(at + i * 8));
      this.#points.push(bytes.readDoubleLE(at + (this.#columns + i) * 8));
    }
  }
}
