import { ServingError } from "../../base/serving-error.ts";
import type { TreeEnsemble } from "../../model/tabular/tabular-program.ts";
import type { AddStep, BoosterAnswer, BoosterValues } from "../pickled-booster.ts";
import { type Booster, damaged, type LinearModel, type TreeModel } from "./booster.ts";
import { baseMargins, objectiveNamed } from "./objective.ts";
import { treeTables } from "./tree-tables.ts";

/** Since this version the library gives leaves' numbers as float32. */
const FLOAT_LEAVES = 104;

/** Where a booster is asked, and how. */
export interface BoosterCall {
  /** A matrix of numbers that are float32s, of the booster's columns; NaN is missing. */
  readonly from: string;
  readonly add: AddStep;
  /** What errors call the booster's file. */
  readonly file: string;
  readonly signal: AbortSignal;
  /** When the base is added; by default as the version that wrote the file does it. */
  readonly baseIsAdded?: "first" | "last" | undefined;
  /** Rounds of training that count; by default all. */
  readonly rounds?: number | undefined;
}

/** Values that a booster makes. */
export interface BoosterSteps extends BoosterValues {
  /** What `predict` gives, what it gives with `output_margin`, and with `pred_leaf` where there are leaves. */
  readonly answers: ReadonlyMap<"predict" | "margin" | "leaf", BoosterAnswer>;
  /** Whether `predict` is a probability, of the second of two classes or of each class. */
  readonly isProbability: boolean;
}

/**
 * Adds a booster's steps to a program.
 * @throws ServingError data-loss for a damaged file, unimplemented for what is not known here; each names the file
 */
export async function addBooster(booster: Booster, call: BoosterCall): Promise<BoosterSteps> {
  const { add, file } = call;
  const { groups, columns } = booster;
  const objective = objectiveNamed(booster.objective, booster.version, `${file}: objective`);
  const base = baseMargins(booster.base, groups, objective, `${file}: base_score`);
  const { model } = booster;
  const sums =
    model.kind === "linear"
      ? { margin: addLinear(model, booster, base, call), leaf: undefined }
      : await addTrees(withRounds(model, groups, call.rounds), booster, base, call);
  const { margin, leaf } = sums;
  const { link } = objective;
  const predict = link === undefined ? margin : add(margin, { kind: "link", link });
  const raw: BoosterAnswer = { value: margin, dtype: "float32", vector: groups === 1, width: groups };
  const isOne = raw.vector || link?.kind === "argmax";
  const answers = new Map<"predict" | "margin" | "leaf", BoosterAnswer>([
    ["predict", { ...raw, value: predict, vector: isOne, width: isOne ? 1 : groups }],
    ["margin", raw],
  ]);
  if (leaf !== undefined) answers.set("leaf", leaf);
  return { columns, groups, margin, predict, answers, isProbability: link?.kind === "sigmoid" || link?.kind === "softmax" };
}

/** A model with its first rounds only. */
function withRounds(model: TreeModel, groups: number, rounds: number | undefined): TreeModel {
  const isVector = model.trees[0]?.vectors !== undefined;
  const count = rounds === undefined ? model.trees.length : rounds * model.parallel * (isVector ? 1 : groups);
  if (count >= model.trees.length) return model;
  const cut = (list: ArrayLike<number>) => Array.prototype.slice.call(list, 0, count) as number[];
  return {
    ...model,
    trees: model.trees.slice(0, count),
    groups: cut(model.groups),
    ...(model.weights !== undefined && { weights: cut(model.weights) }),
  };
}

async function addTrees(
  model: TreeModel,
  { columns, groups, version }: Booster,
  base: Float32Array,
  { from, add, file, signal, baseIsAdded }: BoosterCall,
): Promise<{ readonly margin: string; readonly leaf: BoosterAnswer | undefined }> {
  const { vectors, ...tables } = await treeTables(model, columns, groups, file, signal);
  const ensemble: TreeEnsemble = {
    ...tables,
    precision: "float32",
    columns,
    groups,
    leftWhen: "less",
    base,
    // The library began with the base in 1.3, and with dropped trees in 1.4.
    baseIsAdded: baseIsAdded ?? (version < (model.weights === undefined ? 103 : 104) ? "last" : "first"),
    divisor: 1,
  };
  const margin =
    vectors === undefined
      ? add(from, { kind: "tree-sums", ensemble })
      : add(from, { kind: "tree-vector-sums", ensemble, vectors, base });
  if (model.trees.length === 0) return { margin, leaf: undefined };
  const dtype = version < FLOAT_LEAVES ? "int32" : "float32";
  return {
    margin,
    leaf: { value: add(from, { kind: "tree-leaves", ensemble }), dtype, vector: false, width: model.trees.length },
  };
}

function addLinear(
  { weights }: LinearModel,
  { columns, groups }: Booster,
  base: Float32Array,
  { from, add, file }: BoosterCall,
): string {
  const count = columns * groups;
  if (weights.length !== count + groups) {
    throw damaged(file, `has ${weights.length} weights where ${count + groups} are expected`);
  }
  const table = new Float32Array(new SharedArrayBuffer(count * 4));
  for (let i = 0; i < count; i++) table[i] = weights[i];
  const bias = new Float32Array(new SharedArrayBuffer(groups * 4));
  // The library takes the first base for all, also where 3.x has one of each.
  for (let group = 0; group < groups; group++) bias[group] = Math.fround(weights[count + group]) + base[0];
  return add(from, { kind: "linear", weights: table, bias });
}

/** @throws ServingError data-loss for names of other columns than there are */
export function columnNames({ names, columns }: Booster, file: string): readonly string[] | undefined {
  if (names.length === 0) return undefined;
  if (names.length !== columns)
    throw new ServingError("data-loss", `${file} has names of ${names.length} columns where ${columns} are expected`);
  return names;
}
