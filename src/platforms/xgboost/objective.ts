import { ServingError } from "../../base/serving-error.ts";
import type { Link } from "../../model/tabular/tabular-program.ts";
import { damaged } from "./booster.ts";

/** What an objective does to sums and to `base_score`. */
export interface Objective {
  /** What makes the answer of the sums; absent where they are the answer. */
  readonly link?: Link;
  /** The sum, a float32, that a `base_score` stands for. */
  readonly marginOf: (score: number) => number;
}

const { fround } = Math;
const SAME: Objective = { marginOf: fround };
// In float32, step by step, as the library does it: the sums' last bits depend on it.
const LOGISTIC: Objective = {
  link: { kind: "sigmoid", steepness: 1 },
  marginOf: (score) => fround(-Math.log(fround(fround(1 / fround(score)) - 1))),
};
const EXPONENTIAL: Objective = { link: { kind: "exp" }, marginOf: (score) => fround(Math.log(fround(score))) };

const OBJECTIVES: ReadonlyMap<string, Objective> = new Map([
  ["binary:logistic", LOGISTIC],
  ["reg:logistic", LOGISTIC],
  ["binary:logitraw", SAME],
  ["binary:hinge", { link: { kind: "step" }, marginOf: fround }],
  ["multi:softprob", { link: { kind: "softmax" }, marginOf: fround }],
  ["multi:softmax", { link: { kind: "argmax" }, marginOf: fround }],
  ["count:poisson", EXPONENTIAL],
  ["reg:gamma", EXPONENTIAL],
  ["reg:tweedie", EXPONENTIAL],
  ["survival:cox", EXPONENTIAL],
  ["survival:aft", EXPONENTIAL],
  ["reg:linear", SAME],
  ["reg:squarederror", SAME],
  ["reg:squaredlogerror", SAME],
  ["reg:pseudohubererror", SAME],
  ["reg:absoluteerror", SAME],
  ["reg:quantileerror", SAME],
  ["rank:pairwise", SAME],
  ["rank:ndcg", SAME],
  ["rank:map", SAME],
]);

/**
 * An objective as the library had it.
 * @param version as a booster has it: 103 is 1.3
 * @param where what errors call it
 * @throws ServingError unimplemented for an objective that is not known
 */
export function objectiveNamed(name: string, version: number, where: string): Objective {
  const objective = OBJECTIVES.get(name);
  // Up to 0.90 files have the margin.
  if (objective !== undefined && version < 100) return { ...objective, marginOf: fround };
  if (name === "binary:logitraw" && version < 103) return { marginOf: LOGISTIC.marginOf };
  if (objective !== undefined) return objective;
  const known = [...OBJECTIVES.keys()].join(", ");
  throw new ServingError(
    "unimplemented",
    `${where} is ${JSON.stringify(name.slice(0, 64))}, which is not known (known: ${known})`,
  );
}

/**
 * Where the sum of each group begins.
 * @throws ServingError data-loss for a base that the objective cannot have, or of another count than `groups`
 */
export function baseMargins(base: readonly number[], groups: number, objective: Objective, where: string): Float32Array {
  if (base.length !== 1 && base.length !== groups) {
    throw damaged(where, `has ${base.length} numbers where 1 or ${groups} are expected`);
  }
  const margins = new Float32Array(new SharedArrayBuffer(groups * 4));
  for (let group = 0; group < groups; group++) {
    const score = base[base.length === 1 ? 0 : group];
    margins[group] = objective.marginOf(score);
    if (!Number.isFinite(margins[group])) throw damaged(where, `is ${score}, which the objective cannot have`);
  }
  return margins;
}
