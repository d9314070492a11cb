import { ServingError } from "../../base/serving-error.ts";
import type { Link } from "../../model/tabular/tabular-program.ts";

type MakeLink = (parameters: readonly string[], where: string) => Link | undefined;

/** What makes an answer of sums, by objective and its other names. */
const LINKS: ReadonlyMap<string, MakeLink> = new Map([
  ...named(["binary"], sigmoid),
  ...named(["multiclass", "softmax"], () => ({ kind: "softmax" })),
  ...named(["multiclassova", "multiclass_ova", "ova", "ovr"], sigmoid),
  ...named(["cross_entropy", "xentropy"], () => ({ kind: "sigmoid", steepness: 1 })),
  ...named(["cross_entropy_lambda", "xentlambda"], () => ({ kind: "log1p-exp" })),
  ...named(["poisson", "gamma", "tweedie"], () => ({ kind: "exp" })),
  ...named(
    ["regression", "regression_l2", "mean_squared_error", "mse", "l2", "l2_root", "root_mean_squared_error", "rmse"],
    squareOfRoot,
  ),
  // These take `sqrt` too; LightGBM makes the square of them all but huber.
  ...named(["regression_l1", "mean_absolute_error", "l1", "mae", "quantile", "fair"], squareOfRoot),
  ...named(["mape", "mean_absolute_percentage_error"], squareOfRoot),
  ...named(["huber", "lambdarank", "rank_xendcg", "xendcg", "xe_ndcg", "xe_ndcg_mart", "xendcg_mart"], () => undefined),
  ...named(["custom", "none", "null", "na"], () => undefined),
]);

/** Objectives that have a sum for each class; the others have one sum a row. */
const MATRIX_OBJECTIVES = [
  "multiclass",
  "softmax",
  "multiclassova",
  "multiclass_ova",
  "ova",
  "ovr",
  "custom",
  "none",
  "null",
  "na",
];

/**
 * What LightGBM does to a row's sums to answer it; undefined when they are the answer.
 * @param objective as the model's file has it: `binary sigmoid:1`; undefined for a model without one
 * @param where what errors call it
 * @throws ServingError unimplemented for an objective that is not known, data-loss for a parameter that is missing or does not fit
 */
export function objectiveLink(objective: string | undefined, classes: number, where: string): Link | undefined {
  if (objective === undefined) return undefined;
  const [name, ...parameters] = objective.split(" ");
  const make = LINKS.get(name);
  if (make === undefined) {
    throw new ServingError("unimplemented", `${where} is "${name}", which is not known (known: ${[...LINKS.keys()].join(", ")})`);
  }
  const declared = parameterOf("num_class", parameters);
  if (declared !== undefined ? declared !== classes : classes > 1 && !MATRIX_OBJECTIVES.includes(name)) {
    throw new ServingError("data-loss", `${where} is "${objective}", which does not fit num_class=${classes}`);
  }
  return make(parameters, where);
}

function named(names: readonly string[], make: MakeLink): readonly (readonly [string, MakeLink])[] {
  return names.map((name) => [name, make]);
}

function sigmoid(parameters: readonly string[], where: string): Link {
  const steepness = parameterOf("sigmoid", parameters);
  if (steepness === undefined || !(steepness > 0)) throw new ServingError("data-loss", `${where} has no sigmoid above 0`);
  return { kind: "sigmoid", steepness };
}

function squareOfRoot(parameters: readonly string[]): Link | undefined {
  return parameters.includes("sqrt") ? { kind: "signed-square" } : undefined;
}

function parameterOf(name: string, parameters: readonly string[]): number | undefined {
  const text = parameters.find((each) => each.startsWith(`${name}:`));
  return text === undefined ? undefined : Number(text.slice(name.length + 1));
}
