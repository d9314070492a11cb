import { ServingError } from "../../../base/serving-error.ts";
import type { EstimatorOperation, Metric, Neighbours, PointTree } from "../../../model/tabular/estimator-operations.ts";
import type { Matrix } from "../matrix.ts";
import { type Distance, distanceOf } from "./metrics.ts";

type NeighbourValues = Pick<
  Extract<EstimatorOperation, { kind: "neighbours" }>,
  "neighbours" | "does" | "targets" | "width" | "otherwise"
>;
type OutlierFactor = Pick<Extract<EstimatorOperation, { kind: "local-outlier-factor" }>, "neighbours" | "reaches" | "densities">;

/** Points that were found near a row, the nearest first. */
interface Found {
  readonly points: readonly number[];
  readonly distances: readonly number[];
}

/** Distances of each row from each point, a column for each point. */
export function distances(metric: Metric, points: Float64Array, columns: number, { rows, data }: Matrix): Matrix {
  const { reduced, fromReduced } = distanceOf(metric, columns);
  const width = points.length / columns;
  const values = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let point = 0; point < width; point++) {
      values[row * width + point] = fromReduced(reduced(data, row * columns, points, point * columns));
    }
  }
  return { rows, width, data: values };
}

/** The weighted mean or sum of what each row's neighbours have. @throws ServingError invalid-argument for a row without, where it is refused */
export function neighbourValues({ neighbours, does, targets, width, otherwise }: NeighbourValues): (rows: Matrix) => Matrix {
  const find = finder(neighbours);
  return ({ rows, width: columns, data }) => {
    const values = new Float64Array(rows * width);
    for (let row = 0; row < rows; row++) {
      const found = find(data, row * columns);
      const own = values.subarray(row * width, (row + 1) * width);
      if (found.points.length > 0) addUp(found, neighbours.weighted, targets, own, does);
      else if (otherwise === "refused") {
        throw new ServingError("invalid-argument", `row ${row} has no neighbour, for which the model has no answer`);
      } else own.set(otherwise);
    }
    return { rows, width, data: values };
  };
}

/** Local outlier factors, with a minus before them. */
export function localOutlierFactor({ neighbours, reaches, densities }: OutlierFactor): (rows: Matrix) => Matrix {
  const find = finder(neighbours);
  return ({ rows, width, data }) => {
    const factors = new Float64Array(rows);
    for (let row = 0; row < rows; row++) {
      const { points, distances: far } = find(data, row * width);
      let reach = 0;
      for (const [i, point] of points.entries()) reach += Math.max(far[i], reaches[point]);
      const density = 1 / (reach / points.length + 1e-10);
      let sum = 0;
      for (const point of points) sum += densities[point] / density;
      factors[row] = -sum / points.length;
    }
    return { rows, width: 1, data: factors };
  };
}

function addUp(
  { points, distances: far }: Found,
  weighted: Neighbours["weighted"],
  targets: Float64Array,
  own: Float64Array,
  does: "mean" | "sum",
): void {
  const isAtPoint = weighted === "by-distance" && far[0] === 0;
  let weights = 0;
  for (const [i, point] of points.entries()) {
    const weight = weighted === "equally" ? 1 : isAtPoint ? Number(far[i] === 0) : 1 / far[i];
    weights += weight;
    for (let column = 0; column < own.length; column++) own[column] += weight * targets[point * own.length + column];
  }
  if (does === "mean") for (let column = 0; column < own.length; column++) own[column] /= weights;
}

/** Finds the neighbours of a row that begins at a place. */
function finder({ metric, points, columns, within, tree }: Neighbours): (data: Matrix["data"], row: number) => Found {
  const distance = distanceOf(metric, columns);
  const { reduced, fromReduced, toReduced } = distance;
  const count = points.length / columns;
  if (within.kind === "radius") {
    const most = toReduced(within.radius);
    return (data, row) => {
      const found: { point: number; reduced: number }[] = [];
      for (let point = 0; point < count; point++) {
        const far = reduced(data, row, points, point * columns);
        if (far <= most) found.push({ point, reduced: far });
      }
      found.sort((a, b) => a.reduced - b.reduced);
      return { points: found.map(({ point }) => point), distances: found.map((each) => fromReduced(each.reduced)) };
    };
  }
  const heap = new NearestHeap(within.count);
  const boundOf = tree && nodeBound(tree, distance, columns);
  return (data, row) => {
    heap.clear();
    const push = (point: number) => heap.push(reduced(data, row, points, point * columns), point);
    if (tree === undefined || boundOf === undefined) for (let point = 0; point < count; point++) push(point);
    else visit(tree, 0, boundOf(data, row, 0), (node) => boundOf(data, row, node), push, heap);
    const found = heap.sorted();
    return { points: found.map(({ point }) => point), distances: found.map((each) => fromReduced(each.value)) };
  };
}

/** Down the tree, the nearer child first; nodes that are too far are left out. */
function visit(
  tree: PointTree,
  node: number,
  bound: number,
  boundOf: (node: number) => number,
  push: (point: number) => void,
  heap: NearestHeap,
): void {
  if (bound > heap.largest) return;
  if (tree.leaves[node] === 1) {
    for (let i = tree.starts[node]; i < tree.ends[node]; i++) push(tree.order[i]);
    return;
  }
  const [left, right] = [2 * node + 1, 2 * node + 2];
  const [toLeft, toRight] = [boundOf(left), boundOf(right)];
  if (toLeft <= toRight) {
    visit(tree, left, toLeft, boundOf, push, heap);
    visit(tree, right, toRight, boundOf, push, heap);
  } else {
    visit(tree, right, toRight, boundOf, push, heap);
    visit(tree, left, toLeft, boundOf, push, heap);
  }
}

function nodeBound(
  { lower, upper, radii }: PointTree,
  { reduced, fromReduced, toReduced, fromBox }: Distance,
  columns: number,
): ((data: Matrix["data"], row: number, node: number) => number) | undefined {
  if (radii !== undefined) {
    return (data, row, node) => toReduced(Math.max(0, fromReduced(reduced(data, row, lower, node * columns)) - radii[node]));
  }
  if (upper === undefined || fromBox === undefined) return undefined;
  return (data, row, node) => fromBox(data, row, lower, upper, node);
}

/** The nearest of what was pushed, the largest on top, as scikit-learn keeps them: which of equally far ones stay depends on it. */
class NearestHeap {
  readonly #values: Float64Array;
  readonly #points: Int32Array;

  constructor(size: number) {
    this.#values = new Float64Array(size);
    this.#points = new Int32Array(size);
  }

  get largest(): number {
    return this.#values[0];
  }

  clear(): void {
    this.#values.fill(Number.POSITIVE_INFINITY);
    this.#points.fill(-1);
  }

  push(value: number, point: number): void {
    const values = this.#values;
    const points = this.#points;
    const size = values.length;
    if (value >= values[0]) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= size) break;
      const right = left + 1;
      const child = right < size && values[left] < values[right] ? right : left;
      if (values[child] <= value) break;
      values[at] = values[child];
      points[at] = points[child];
      at = child;
    }
    values[at] = value;
    points[at] = point;
  }

  sorted(): { readonly value: number; readonly point: number }[] {
    return Array.from(this.#points, (point, i) => ({ point, value: this.#values[i] }))
      .filter(({ point }) => point >= 0)
      .sort((a, b) => a.value - b.value);
  }
}
