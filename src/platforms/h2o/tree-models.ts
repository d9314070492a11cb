import type { TreeEnsemble } from "../../model/tabular/tabular-program.ts";
import { calibrated } from "./calibration.ts";
import { inverseLink, type LinkName, withOffset } from "./inverse-link.ts";
import type { Mojo } from "./mojo.ts";
import { notCovered } from "./mojo-files.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import { type Scored, scoredClasses, unbalanced } from "./scored.ts";
import { checkGroups, readTrees } from "./tree-tables.ts";

const DEFAULT_LINKS: ReadonlyMap<string, LinkName> = new Map([
  ["bernoulli", "logit"],
  ["quasibinomial", "logit"],
  ["modified_huber", "logit"],
  ["fractionalbinomial", "logit"],
  ["ordinal", "logit"],
  ["multinomial", "log"],
  ["poisson", "log"],
  ["gamma", "log"],
  ["tweedie", "log"],
  ["gaussian", "identity"],
  ["laplace", "identity"],
  ["huber", "identity"],
  ["quantile", "identity"],
  ["negativebinomial", "identity"],
  ["AUTO", "identity"],
]);

const OF_TWO_CLASSES = ["bernoulli", "quasibinomial", "modified_huber"];

/** Gradient boosting: sums of trees, by the inverse of their distribution's link. @param offset a value of one column to add to sums */
export async function gradientBoosting(
  mojo: Mojo,
  rows: string,
  offset: string | undefined,
  builder: ProgramBuilder,
): Promise<Scored> {
  const { settings, where, classes } = mojo;
  const distribution = settings.text("distribution");
  const usual = DEFAULT_LINKS.get(distribution);
  if (usual === undefined) throw notCovered(where, `the distribution ${distribution.slice(0, 40)}`);
  const link = settings.text("link_function", usual);
  const trees = await readTrees(mojo, builder);
  const start = settings.number("init_f");
  const add = (ensemble: TreeEnsemble): string => withOffset(builder.add(rows, { kind: "tree-sums", ensemble }), offset, builder);
  if (distribution === "multinomial") {
    checkGroups(trees, classes === 2 ? 1 : classes, where);
    // Of more classes the library begins with 0.
    const base = Float64Array.of(start);
    const sums =
      classes === 2
        ? mirrored(add({ ...trees.ensemble, base }), builder)
        : builder.add(rows, { kind: "tree-sums", ensemble: trees.ensemble });
    const shares = builder.add(sums, { kind: "link", link: { kind: "softmax" } });
    return scoredClasses(mojo, unbalanced(mojo, shares, builder), rows, builder);
  }
  checkGroups(trees, 1, where);
  const value = inverseLink(link, "boosted", add({ ...trees.ensemble, base: Float64Array.of(start) }), builder, where);
  if (!OF_TWO_CLASSES.includes(distribution)) return { kind: "number", value };
  const probabilities = builder.add(value, { kind: "link", link: { kind: "complement" } });
  return await calibrated(mojo, scoredClasses(mojo, unbalanced(mojo, probabilities, builder), rows, builder), builder);
}

/** x as [x, -x]. */
function mirrored(value: string, builder: ProgramBuilder): string {
  const pair = builder.add(value, { kind: "link", link: { kind: "mirror" } });
  return builder.add(pair, { kind: "select", columns: Int32Array.of(1, 0) });
}

/** A random forest: means of trees. */
export async function randomForest(mojo: Mojo, rows: string, builder: ProgramBuilder): Promise<Scored> {
  const { settings, where, classes } = mojo;
  const trees = await readTrees(mojo, builder);
  const isMean = classes === 1 || (classes === 2 && !settings.flag("binomial_double_trees"));
  checkGroups(trees, isMean ? 1 : classes, where);
  if (!isMean) {
    const sums = builder.add(rows, { kind: "tree-sums", ensemble: trees.ensemble });
    const probabilities = builder.add(sums, { kind: "h2o-link", link: { kind: "shares-above-zero" } });
    return await calibrated(mojo, scoredClasses(mojo, unbalanced(mojo, probabilities, builder), rows, builder), builder);
  }
  const mean = builder.add(rows, { kind: "tree-sums", ensemble: { ...trees.ensemble, divisor: trees.count } });
  if (classes === 1) return { kind: "number", value: mean };
  // The mean is that of the first class.
  const pair = builder.add(mean, { kind: "link", link: { kind: "complement" } });
  const probabilities = builder.add(pair, { kind: "select", columns: Int32Array.of(1, 0) });
  return await calibrated(mojo, scoredClasses(mojo, unbalanced(mojo, probabilities, builder), rows, builder), builder);
}

/** An isolation forest: mean lengths of paths, and how far their sum is from the longest. */
export async function isolationForest(mojo: Mojo, rows: string, builder: ProgramBuilder): Promise<Scored> {
  const { settings, where } = mojo;
  const trees = await readTrees(mojo, builder);
  checkGroups(trees, 1, where);
  const sum = builder.add(rows, { kind: "tree-sums", ensemble: trees.ensemble });
  const by = Float64Array.of(Math.max(1, trees.count));
  const score = builder.add(sum, { kind: "columns", does: "divide", by });
  const [least, most] = [settings.number("min_path_length", 0), settings.number("max_path_length", 0)];
  const normalizedScore = builder.add(sum, { kind: "h2o-link", link: { kind: "distance-from", least, most } });
  if (!settings.flag("output_anomaly_flag", false)) return { kind: "anomaly", score, normalizedScore };
  const threshold = settings.number("default_threshold");
  const isAnomaly = builder.add(normalizedScore, { kind: "h2o-link", link: { kind: "above", threshold } });
  return { kind: "anomaly", score, normalizedScore, isAnomaly };
}

/** A forest of what a treatment changes: the difference, and the probabilities with and without. */
export async function upliftForest(mojo: Mojo, rows: string, builder: ProgramBuilder): Promise<Scored> {
  const trees = await readTrees(mojo, builder);
  checkGroups(trees, 2, mojo.where);
  const means = builder.add(rows, { kind: "tree-sums", ensemble: { ...trees.ensemble, divisor: trees.count } });
  const value = builder.add(means, { kind: "h2o-link", link: { kind: "uplift" } });
  return { kind: "matrix", alias: "predictions", value, width: 3, dtype: "float64" };
}
