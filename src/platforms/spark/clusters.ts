import { sharedFloats, sharedIntegers } from "../shared-arrays.ts";
import { putCluster } from "./predictions.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Stage } from "./stage.ts";
import { symmetricEigen } from "./symmetric-eigen.ts";

/** Numbers of a vector whose normal distributions can be turned to their axes in reasonable time. */
const MOST_AXES = 512;
/** What is less than this share of the largest, times their number, is 0 for Spark. */
const EPSILON = 2.220446049250313e-16;

/** KMeansModel, by squared distances or angles. */
export async function kMeans(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const table = await stage.table();
  const numbers = table.numbers("clusterIdx");
  const found = table.vectors("clusterCenter");
  const { rows, columns } = found;
  const data = new Float64Array(found.data.length);
  const seen = new Uint8Array(rows);
  for (const [row, number] of numbers.entries()) {
    if (!Number.isInteger(number) || number < 0 || number >= rows || seen[number] === 1)
      throw stage.damaged("clusterIdx", "does not count the clusters");
    seen[number] = 1;
    data.set(found.data.subarray(row * columns, (row + 1) * columns), number * columns);
  }
  const column = builder.vector(stage, stage.text("featuresCol", "features"), columns);
  const from = builder.dense(column);
  if (isCosine(stage)) {
    const weights = new Float64Array(data.length);
    for (let row = 0; row < rows; row++) {
      const center = data.subarray(row * columns, (row + 1) * columns);
      const norm = Math.sqrt(center.reduce((sum, each) => sum + each * each, 0));
      for (let i = 0; i < columns; i++) weights[i * rows + row] = center[i] / norm;
    }
    const near = builder.add(from, {
      kind: "spark-linear",
      weights: sharedFloats(weights),
      bias: sharedFloats(new Float64Array(rows)),
    });
    putCluster(stage, builder, builder.link(near, { kind: "argmax" }));
    return;
  }
  const far = builder.add(from, { kind: "squares", points: sharedFloats(data), bias: sharedFloats(new Float64Array(rows)) });
  putCluster(stage, builder, builder.link(far, { kind: "argmin" }));
}

/** BisectingKMeansModel, whose data are a model of Spark's former API. */
export async function bisectingKMeans(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const inner = stage.folder.folder("data");
  const root = rootOf(stage, await inner.metadata());
  const table = await inner.folder("data").table();
  const indices = table.numbers("index");
  const centers = table.vectors("center");
  const lists = table.numberLists("children");
  const rows = new Map(Array.from(indices, (index, row) => [index, row] as const));
  if (rows.size !== indices.length) throw stage.damaged("index", "has a number twice");
  // Parents before their children, the root first.
  const order: number[] = [];
  const [starts, children]: [number[], number[]] = [[0], []];
  const waiting = [root];
  for (let node = 0; node < waiting.length; node++) {
    const row = rows.get(waiting[node]);
    if (row === undefined || waiting.length > indices.length) throw stage.damaged("children", "are no tree");
    order.push(row);
    for (const child of lists.values.subarray(lists.starts[row], lists.starts[row + 1])) {
      children.push(waiting.length);
      waiting.push(child);
    }
    starts.push(children.length);
    await builder.turn(1);
  }
  const { columns } = centers;
  const points = sharedFloats(new Float64Array(order.length * columns));
  for (const [node, row] of order.entries())
    points.set(centers.data.subarray(row * columns, (row + 1) * columns), node * columns);
  const leaves = order.map((row) => indices[row]);
  if (!leaves.every((leaf) => Number.isInteger(leaf) && Math.abs(leaf) < 2 ** 31))
    throw stage.damaged("index", "is no whole number");
  const column = builder.vector(stage, stage.text("featuresCol", "features"), columns);
  const value = builder.add(builder.dense(column), {
    kind: "spark-point-tree",
    points,
    starts: sharedIntegers(starts),
    children: sharedIntegers(children),
    leaves: sharedIntegers(leaves),
    distance: isCosine(stage) ? "cosine" : "euclidean",
  });
  putCluster(stage, builder, value);
}

function rootOf(stage: Stage, line: string): number {
  let root: unknown;
  try {
    root = (JSON.parse(line) as { rootId?: unknown } | null)?.rootId;
  } catch {
    throw stage.damaged("data/metadata/part-00000", "is no JSON");
  }
  if (typeof root !== "number") throw stage.damaged("rootId", "is no number");
  return root;
}

/** GaussianMixtureModel. */
export async function gaussianMixture(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const table = await stage.table();
  const weights = table.numberLists("weights").values;
  const means = table.vectorList("mus");
  const sigmas = table.matrixList("sigmas");
  const { rows: kinds, columns } = means;
  if (columns > MOST_AXES) throw stage.uncovered(`vectors of more than ${MOST_AXES} numbers are not covered`);
  if (
    kinds === 0 ||
    weights.length !== kinds ||
    sigmas.length !== kinds ||
    sigmas.some(({ rows, columns: own }) => rows !== columns || own !== columns)
  ) {
    throw stage.damaged("sigmas", "do not fit the weights and means");
  }
  const all = kinds * columns;
  const [turned, bias, logs] = [new Float64Array(columns * all), new Float64Array(all), new Float64Array(kinds)];
  for (const [kind, sigma] of sigmas.entries()) {
    const { values, vectors } = symmetricEigen(sigma.data, columns);
    const least = EPSILON * Math.max(...values) * columns;
    if (!(least > 0)) throw stage.damaged("sigmas", "have a matrix that is no covariance");
    logs[kind] = -0.5 * columns * Math.log(2 * Math.PI);
    for (let axis = 0; axis < columns; axis++) {
      const place = kind * columns + axis;
      const scale = values[axis] > least ? 1 / Math.sqrt(values[axis]) : 0;
      if (scale > 0) logs[kind] -= 0.5 * Math.log(values[axis]);
      for (let i = 0; i < columns; i++) {
        turned[i * all + place] = vectors[axis * columns + i] * scale;
        bias[place] -= means.data[kind * columns + i] * vectors[axis * columns + i] * scale;
      }
    }
    await builder.turn(columns ** 2);
  }
  const column = builder.vector(stage, stage.text("featuresCol", "features"), columns);
  const axes = builder.add(column.value, { kind: "spark-linear", weights: sharedFloats(turned), bias: sharedFloats(bias) });
  const shares = builder.add(axes, {
    kind: "spark-mixture",
    width: columns,
    logs: sharedFloats(logs),
    weights: sharedFloats(weights),
  });
  const name = stage.text("probabilityCol", "probability");
  if (name !== "") builder.put(stage, name, { kind: "vector", value: shares, width: kinds, sparse: false });
  putCluster(stage, builder, builder.link(shares, { kind: "argmax" }));
}

function isCosine(stage: Stage): boolean {
  const distance = stage.text("distanceMeasure", "euclidean");
  if (distance !== "cosine" && distance !== "euclidean")
    throw stage.uncovered(`distanceMeasure="${distance.slice(0, 50)}" is not covered`);
  return distance === "cosine";
}
