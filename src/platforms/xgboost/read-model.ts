import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import { readUbjson } from "../../codec/ubjson.ts";
import type { TabularInput, TabularOperation, TabularProgram, TreeEnsemble } from "../../model/tabular-program.ts";
import { type TabularAnswer, tabularSignatures } from "../../model/tabular-signatures.ts";
import { type Booster, damaged, type LinearModel, type TreeModel } from "./booster.ts";
import { DocumentPart } from "./document.ts";
import { boosterOfDocument } from "./document-booster.ts";
import { boosterOfLegacy } from "./legacy-booster.ts";
import { parseLooseJson } from "./loose-json.ts";
import { formOf } from "./model-form.ts";
import { baseMargins, type Objective, objectiveNamed } from "./objective.ts";
import { treeTables } from "./tree-tables.ts";

/** Since this version the library gives leaves' numbers as float32. */
const FLOAT_LEAVES = 104;
const ALIAS = "X";
/** What the value is called that programs begin with. */
const INPUT = "input";

/**
 * Makes a program of a model's file, whichever form it has.
 * @param file what errors call the file
 * @throws ServingError data-loss for a damaged file, unimplemented for what is not known here; each names the file
 */
export async function readModel(bytes: Buffer, file: string, signal: AbortSignal): Promise<TabularProgram> {
  const booster = boosterOf(bytes, file);
  throwIfAborted(signal);
  const objective = objectiveNamed(booster.objective, booster.version, `${file}: objective`);
  const base = baseMargins(booster.base, booster.groups, objective, `${file}: base_score`);
  const operations: TabularOperation[] =
    booster.model.kind === "linear"
      ? [linear(booster.model, booster, base, file)]
      : await trees(booster.model, booster, base, file, signal);
  if (objective.link !== undefined) {
    operations.push({ kind: "link", from: "margin", to: "predict", link: objective.link });
  }
  const inputs: readonly TabularInput[] = [
    { alias: ALIAS, value: INPUT, type: "float32", columns: booster.columns, vector: false },
  ];
  return {
    runtime: "tabular",
    inputs,
    operations,
    ...tabularSignatures(inputs, answersOf(booster, objective)),
    bytes: bytes.length,
  };
}

function boosterOf(bytes: Buffer, file: string): Booster {
  switch (formOf(bytes)) {
    case "json":
      return boosterOfDocument(new DocumentPart(parseLooseJson(bytes, file), file));
    case "ubjson":
      return boosterOfDocument(new DocumentPart(ubjsonOf(bytes, file), file));
    case "legacy":
      return boosterOfLegacy(bytes, file);
    case undefined:
      throw damaged(file, "is no model of XGBoost");
  }
}

function ubjsonOf(bytes: Buffer, file: string): unknown {
  try {
    return readUbjson(bytes);
  } catch (cause) {
    throw cause instanceof ServingError ? damaged(`${file}:`, cause.message, { cause }) : cause;
  }
}

async function trees(
  model: TreeModel,
  { columns, groups, version }: Booster,
  base: Float32Array,
  file: string,
  signal: AbortSignal,
): Promise<TabularOperation[]> {
  const ensemble: TreeEnsemble = {
    ...(await treeTables(model, columns, groups, file, signal)),
    precision: "float32",
    columns,
    groups,
    leftWhen: "less",
    base,
    // The library began with the base in 1.3, and with dropped trees in 1.4.
    baseIsAdded: version < (model.weights === undefined ? 103 : 104) ? "last" : "first",
    divisor: 1,
  };
  return [
    { kind: "tree-sums", from: INPUT, to: "margin", ensemble },
    { kind: "tree-leaves", from: INPUT, to: "leaf", ensemble },
  ];
}

function linear({ weights }: LinearModel, { columns, groups }: Booster, base: Float32Array, file: string): TabularOperation {
  const count = columns * groups;
  if (weights.length !== count + groups) {
    throw damaged(file, `has ${weights.length} weights where ${count + groups} are expected`);
  }
  const table = new Float32Array(new SharedArrayBuffer(count * 4));
  for (let i = 0; i < count; i++) table[i] = weights[i];
  const bias = new Float32Array(new SharedArrayBuffer(groups * 4));
  // The library takes the first base for all, also where 3.x has one of each.
  for (let group = 0; group < groups; group++) bias[group] = Math.fround(weights[count + group]) + base[0];
  return { kind: "linear", from: INPUT, to: "margin", weights: table, bias };
}

function answersOf({ groups, version, model }: Booster, { link }: Objective): ReadonlyMap<string, readonly TabularAnswer[]> {
  const sums: Omit<TabularAnswer, "alias"> = { value: "margin", dtype: "float32", vector: groups === 1, width: groups };
  const answer = link === undefined ? sums : { ...sums, value: "predict", vector: sums.vector || link.kind === "argmax" };
  const answers = new Map<string, readonly TabularAnswer[]>([
    ["predict", [{ ...answer, alias: "predict" }]],
    ["margin", [{ ...sums, alias: "margin" }]],
  ]);
  if (model.kind === "trees" && model.trees.length > 0) {
    const dtype = version < FLOAT_LEAVES ? "int32" : "float32";
    answers.set("leaf", [{ alias: "leaf", value: "leaf", dtype, vector: false, width: model.trees.length }]);
  }
  return answers;
}
