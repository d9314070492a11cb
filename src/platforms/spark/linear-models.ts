import type { SparkLink } from "../../model/tabular/spark-operations.ts";
import { sharedFloats } from "../shared-arrays.ts";
import type { NumberTable } from "./data-table.ts";
import { largestClass, putClasses, putRegression } from "./predictions.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Stage } from "./stage.ts";

/** What keeps a mean away from what a family does not have. */
const EPSILON = 1e-16;

/** LogisticRegressionModel, of two classes and of more. */
export async function logisticRegression(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const table = await stage.table();
  // Before 2.1 one vector, of two classes.
  const isOld = !table.has("coefficientMatrix.type");
  const coefficients: NumberTable = isOld ? table.vectors("coefficients") : table.matrix("coefficientMatrix");
  const intercepts = isOld ? Float64Array.of(table.number("intercept")) : table.vector("interceptVector");
  const classes = table.number("numClasses");
  const isMultinomial = !isOld && table.number("isMultinomial") === 1;
  if (
    coefficients.rows !== intercepts.length ||
    intercepts.length !== (isMultinomial ? classes : 1) ||
    (!isMultinomial && classes !== 2)
  ) {
    throw stage.damaged("coefficientMatrix", "does not fit the number of classes");
  }
  const raw = linearValue(stage, builder, coefficients, intercepts);
  if (isMultinomial) {
    const shares = builder.link(raw, { kind: "softmax" });
    putClasses(stage, builder, { raw, shares, prediction: largestClass(stage, builder, raw, shares, classes), classes });
    return;
  }
  const margins = builder.link(raw, { kind: "mirror" });
  const shares = builder.add(margins, { kind: "spark-binary-shares", of: 0, steepness: 1 });
  const threshold = Math.log(binaryThreshold(stage) / (1 - binaryThreshold(stage)));
  const prediction = builder.add(margins, { kind: "spark-second-above", threshold });
  putClasses(stage, builder, { raw: margins, shares, prediction, classes: 2 });
}

/** The share of the second class above which it is chosen; thresholds of both say it too. */
function binaryThreshold(stage: Stage): number {
  const thresholds = stage.numbers("thresholds");
  if (thresholds === undefined) return stage.number("threshold", 0.5);
  if (thresholds.length !== 2) throw stage.damaged("thresholds", `are ${thresholds.length}, of 2 classes`);
  return 1 / (1 + thresholds[0] / thresholds[1]);
}

/** LinearSVCModel. */
export async function linearSvc(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const table = await stage.table();
  const margin = linearValue(stage, builder, table.vectors("coefficients"), Float64Array.of(table.number("intercept")));
  const raw = builder.link(margin, { kind: "mirror" });
  const prediction = builder.add(raw, { kind: "spark-second-above", threshold: stage.number("threshold", 0) });
  putClasses(stage, builder, { raw, prediction, classes: 2 });
}

/** LinearRegressionModel. */
export async function linearRegression(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const table = await stage.table();
  putRegression(
    stage,
    builder,
    linearValue(stage, builder, table.vectors("coefficients"), Float64Array.of(table.number("intercept"))),
  );
}

/** AFTSurvivalRegressionModel. */
export async function survivalRegression(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const table = await stage.table();
  const value = linearValue(stage, builder, table.vectors("coefficients"), Float64Array.of(table.number("intercept")));
  const prediction = builder.link(value, { kind: "exp" });
  putRegression(stage, builder, prediction);
  const name = stage.text("quantilesCol", "");
  if (name === "") return;
  const shares = stage.numbers("quantileProbabilities") ?? new Float64Array(0);
  const scale = table.number("scale");
  const weights = shares.map((share) => Math.exp(Math.log(-Math.log1p(-share)) * scale));
  const quantiles = builder.add(prediction, {
    kind: "spark-linear",
    weights: sharedFloats(weights),
    bias: sharedFloats(new Float64Array(shares.length)),
  });
  builder.put(stage, name, { kind: "vector", value: quantiles, width: shares.length, sparse: false });
}

/** GeneralizedLinearRegressionModel, with any family and link, and an offset. */
export async function generalizedLinearRegression(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const table = await stage.table();
  let value = linearValue(stage, builder, table.vectors("coefficients"), Float64Array.of(table.number("intercept")));
  const offset = stage.text("offsetCol", "");
  if (offset !== "") {
    const column = builder.number(stage, offset);
    const parts = builder.add([value, column.value], {
      kind: "spark-assemble",
      checked: [false, false],
      sparse: false,
      what: ["", ""],
    });
    value = builder.add(parts, { kind: "spark-linear", weights: sharedFloats([1, 1]), bias: sharedFloats([0]) });
  }
  const mean = builder.add(value, { kind: "spark-mean", ...meanOf(stage) });
  const linkName = stage.text("linkPredictionCol", "");
  if (linkName !== "") builder.put(stage, linkName, { kind: "number", value, width: 1, sparse: false });
  putRegression(stage, builder, mean);
}

const LINKS: ReadonlyMap<string, SparkLink> = new Map<string, SparkLink>(
  (["identity", "log", "inverse", "logit", "probit", "cloglog", "sqrt"] as const).map((link) => [link, link]),
);

/** Each family's own link, and the means that it has. */
const FAMILIES: ReadonlyMap<string, { readonly link: SparkLink; readonly least: number; readonly most: number }> = new Map([
  ["gaussian", { link: "identity", least: -Number.MAX_VALUE, most: Number.MAX_VALUE }],
  ["binomial", { link: "logit", least: EPSILON, most: 1 - EPSILON }],
  ["poisson", { link: "log", least: EPSILON, most: Number.MAX_VALUE }],
  ["gamma", { link: "inverse", least: EPSILON, most: Number.MAX_VALUE }],
  ["tweedie", { link: "power", least: EPSILON, most: Number.MAX_VALUE }],
]);

/** Powers of a Tweedie family's variance, and of links, that stand for what has a name. */
const OF_POWER: ReadonlyMap<number, string> = new Map([
  [0, "gaussian"],
  [1, "poisson"],
  [2, "gamma"],
]);
const LINK_OF_POWER: ReadonlyMap<number, SparkLink> = new Map<number, SparkLink>([
  [0, "log"],
  [1, "identity"],
  [-1, "inverse"],
  [0.5, "sqrt"],
]);

function meanOf(stage: Stage): {
  readonly link: SparkLink;
  readonly power: number;
  readonly least: number;
  readonly most: number;
} {
  const named = stage.text("family", "gaussian").toLowerCase();
  const variance = named === "tweedie" ? stage.number("variancePower", 0) : 0;
  const family = FAMILIES.get(named === "tweedie" ? (OF_POWER.get(variance) ?? named) : named);
  if (family === undefined) throw stage.uncovered(`family="${named.slice(0, 50)}" is not covered`);
  const { least, most } = family;
  if (named === "tweedie") {
    const power = stage.number("linkPower", 1 - variance);
    return { link: LINK_OF_POWER.get(power) ?? "power", power, least, most };
  }
  if (!stage.has("link")) return { link: family.link, power: 1, least, most };
  const asked = stage.text("link").toLowerCase();
  const link = LINKS.get(asked);
  if (link === undefined) throw stage.uncovered(`link="${asked.slice(0, 50)}" is not covered`);
  return { link, power: 1, least, most };
}

/** The products of the features with rows of coefficients, plus intercepts. */
function linearValue(
  stage: Stage,
  builder: ProgramBuilder,
  { rows, columns, data }: NumberTable,
  intercepts: Float64Array,
): string {
  const features = builder.vector(stage, stage.text("featuresCol", "features"), columns);
  const weights = sharedFloats(data);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) weights[column * rows + row] = data[row * columns + column];
  if (intercepts.length !== rows) throw stage.damaged("intercept", `is there ${intercepts.length} times, not ${rows}`);
  return builder.add(features.value, { kind: "spark-linear", weights, bias: sharedFloats(intercepts) });
}
