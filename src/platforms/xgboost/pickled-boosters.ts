import { ServingError } from "../../base/serving-error.ts";
import { NumpyArray, plainValue } from "../../codec/pickle/numpy-array.ts";
import { pickleBytes } from "../../codec/pickle/pickle-bytes.ts";
import { PickleObject, type PickleValue } from "../../codec/pickle/pickle-value.ts";
import { boosterState, labelsIn } from "../booster-state.ts";
import type { AddStep, BoosterRows, CompiledBooster, PickledBooster, PickledBoosters } from "../pickled-booster.ts";
import type { Booster } from "./booster.ts";
import { addBooster, type BoosterSteps, columnNames } from "./booster-steps.ts";
import { readSnapshot } from "./read-booster.ts";

const BOOSTER = "xgboost.core.Booster";
/** Estimators of XGBoost's for scikit-learn. */
const ESTIMATOR = /^xgboost\.sklearn\.XGB(RF)?(Classifier|Regressor|Ranker)$/;

/** Boosters of XGBoost, alone or in its estimators for scikit-learn. */
export const pickledXgboost: PickledBoosters = {
  allows: ({ full }) => /^xgboost(\.\w+)+$/.test(full),
  knows: ({ type }) => type.full === BOOSTER || ESTIMATOR.test(type.full),
  read: (object) => Promise.resolve(readPickled(object)),
};

function readPickled(object: PickleObject): PickledBooster {
  const name = object.type.full;
  const state = boosterState(object);
  const inner = name === BOOSTER ? object : state.get("_Booster");
  if (!(inner instanceof PickleObject) || inner.type.full !== BOOSTER) {
    throw new ServingError("data-loss", `${name} has no booster (is it fitted?)`);
  }
  const kept = boosterState(inner);
  const bytes = pickleBytes(kept.get("handle"));
  if (bytes === undefined) throw new ServingError("data-loss", `${name} has no booster (is it fitted?)`);
  const booster = readSnapshot(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), name);
  const names = columnNames(named(booster, kept), name);
  const estimator = name === BOOSTER ? undefined : estimatorOf(object, state, booster);
  return {
    name,
    columns: booster.columns,
    ...(names !== undefined && { columnNames: names }),
    compile: (rows, add, signal) => compile(name, booster, estimator, rows, add, signal),
  };
}

/** Up to 1.3 the names are beside the booster; those that it gives itself are none. */
function named(booster: Booster, kept: ReadonlyMap<PickleValue, PickleValue>): Booster {
  const names = kept.get("feature_names");
  if (booster.names.length > 0 || !Array.isArray(names) || !names.every((each) => typeof each === "string")) return booster;
  return names.every((each, i) => each === `f${i}`) ? booster : { ...booster, names };
}

/** What an estimator adds to its booster. */
interface Estimator {
  readonly kind: "Classifier" | "Regressor" | "Ranker";
  /** What is missing beside NaN. */
  readonly missing: number;
  /** Rounds that count; all where training was not stopped early. */
  readonly rounds: number | undefined;
  readonly labels: readonly (string | number)[] | undefined;
  readonly classes: number | undefined;
}

function estimatorOf({ type }: PickleObject, state: ReadonlyMap<PickleValue, PickleValue>, booster: Booster): Estimator {
  const number = (key: string) => {
    const value = plainValue(state.get(key) ?? null);
    return typeof value === "number" ? value : undefined;
  };
  const own =
    state.get("classes_") ??
    (state.get("_le") instanceof PickleObject ? boosterState(state.get("_le") as PickleObject).get("classes_") : undefined);
  return {
    kind: ESTIMATOR.exec(type.full)![2] as Estimator["kind"],
    missing: number("missing") ?? Number.NaN,
    rounds: booster.model.kind === "linear" ? undefined : roundsOf(number, booster),
    labels: labelsIn(NumpyArray.of(own)?.values() ?? (Array.isArray(own) ? own : undefined)),
    classes: number("n_classes_"),
  };
}

/** Rounds up to the best one. The estimator says so before 1.4, and the booster since 1.6; in between both do. */
function roundsOf(number: (key: string) => number | undefined, { attributes, version, model }: Booster): number | undefined {
  const limit = number("best_ntree_limit");
  // The limit counts trees side by side as well.
  if (limit !== undefined && limit > 0 && model.kind === "trees") return Math.ceil(limit / model.parallel);
  const noted = attributes.get("best_iteration");
  const best = number("best_iteration") ?? (noted === undefined || version < 104 ? undefined : Number(noted));
  return best !== undefined && Number.isInteger(best) && best >= 0 ? best + 1 : undefined;
}

async function compile(
  name: string,
  booster: Booster,
  estimator: Estimator | undefined,
  rows: BoosterRows,
  add: AddStep,
  signal: AbortSignal,
): Promise<CompiledBooster> {
  if (rows.columns !== booster.columns) {
    throw new ServingError("data-loss", `${name} takes ${booster.columns} columns where ${rows.columns} are given`);
  }
  if (rows.isSparse === "unknown") {
    throw new ServingError(
      "unimplemented",
      `${name}: it cannot be told whether it gets a sparse matrix, of which it takes what is absent for missing`,
    );
  }
  let from = add(rows.value, { kind: "link", link: { kind: "round-to-float32" } });
  // What a sparse matrix does not have is missing, where others take it for 0.
  if (rows.isSparse === true) from = addMissing(from, 0, rows, add);
  if (estimator !== undefined && !Number.isNaN(estimator.missing))
    from = addMissing(from, Math.fround(estimator.missing), rows, add);
  const call = { from, add, file: name, signal };
  const all = await addBooster(booster, call);
  if (estimator === undefined) return { answers: all.answers };
  const best = estimator.rounds === undefined ? all : await addBooster(booster, { ...call, rounds: estimator.rounds });
  if (estimator.kind === "Classifier") return { ...ofClassifier(name, estimator, best, add), library: all.answers };
  const predict = best.answers.get("predict")!;
  return { answers: new Map([["predict", predict]]), library: all.answers, ...(predict.vector && { regression: predict.value }) };
}

function ofClassifier(
  name: string,
  { labels, classes }: Estimator,
  { answers, groups, predict, isProbability }: BoosterSteps,
  add: AddStep,
): CompiledBooster {
  const raw = answers.get("predict")!;
  // With another objective the library compares what it gets with a half all the same.
  if (groups > 1 && classes === 2) {
    const held = add(over(predict, groups, add), { kind: "link", link: { kind: "step" } });
    return {
      answers: new Map([
        ["predict", { value: held, dtype: "float64", vector: false, width: groups }],
        ["predict_proba", raw],
      ]),
    };
  }
  if (raw.vector && groups > 1)
    throw new ServingError("unimplemented", `${name} has the objective multi:softmax, whose classes are not covered`);
  const number = raw.vector
    ? add(over(predict, 1, add), { kind: "link", link: { kind: "step" } })
    : add(predict, { kind: "link", link: { kind: "argmax" } });
  const scores = raw.vector ? add(predict, { kind: "link", link: { kind: "complement" } }) : predict;
  const width = Math.max(2, groups);
  const known = labels ?? Array.from({ length: width }, (_, i) => i);
  if (known.length !== width)
    throw new ServingError("data-loss", `${name} has ${known.length} labels where ${width} are expected`);
  const dtype = known.every((label) => typeof label === "string")
    ? "string"
    : known.every(Number.isSafeInteger)
      ? "int64"
      : "float64";
  const label = add(number, { kind: "labels", labels: known });
  return {
    answers: new Map([
      ["predict", { value: label, dtype, vector: true, width: 1 }],
      ["predict_proba", { value: scores, dtype: "float32", vector: false, width }],
    ]),
    ...(isProbability && { prediction: { number, scores, labels: known, dtype } }),
  };
}

/** How far probabilities are above a half, in float64. */
function over(value: string, width: number, add: AddStep): string {
  return add(value, { kind: "columns", does: "subtract", by: new Float64Array(width).fill(0.5) });
}

function addMissing(value: string, what: number, { columns }: BoosterRows, add: AddStep): string {
  return add(value, { kind: "impute", missing: what, values: new Float64Array(columns).fill(Number.NaN) });
}
