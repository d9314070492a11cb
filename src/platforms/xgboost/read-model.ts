import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import { readUbjson } from "../../codec/ubjson.ts";
import type { TabularOperation, TabularOutput, TabularProgram, TreeEnsemble } from "../../model/tabular-program.ts";
import type { DType } from "../../tensor/dtype.ts";
import { DEFAULT_SIGNATURE, PREDICT_METHOD, type Signature, type TensorInfo } from "../../tensor/signature.ts";
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
  return {
    runtime: "tabular",
    input: { alias: ALIAS, columns: booster.columns, precision: "float32" },
    operations,
    ...signaturesOf(booster, objective),
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

function signaturesOf(
  { columns, groups, version, model }: Booster,
  { link }: Objective,
): Pick<TabularProgram, "signatures" | "outputs"> {
  const sums: Declared = { value: "margin", dtype: "float32", width: groups === 1 ? undefined : groups };
  const answer =
    link === undefined ? sums : { ...sums, value: "predict", width: link.kind === "argmax" ? undefined : sums.width };
  const declared = new Map<string, readonly [string, Declared]>([
    [DEFAULT_SIGNATURE, ["predict", answer]],
    ["predict", ["predict", answer]],
    ["margin", ["margin", sums]],
  ]);
  if (model.kind === "trees" && model.trees.length > 0) {
    declared.set("leaf", [
      "leaf",
      { value: "leaf", dtype: version < FLOAT_LEAVES ? "int32" : "float32", width: model.trees.length },
    ]);
  }
  const input: TensorInfo = { alias: ALIAS, name: ALIAS, dtype: "float32", shape: [-1, columns] };
  const signatures = new Map<string, Signature>();
  const outputs = new Map<string, ReadonlyMap<string, TabularOutput>>();
  for (const [name, [alias, { value, dtype, width }]] of declared) {
    const shape = width === undefined ? [-1] : [-1, width];
    signatures.set(name, { inputs: [input], outputs: [{ alias, name: alias, dtype, shape }], methodName: PREDICT_METHOD });
    outputs.set(name, new Map([[alias, { value, dtype, vector: width === undefined }]]));
  }
  return { signatures, outputs };
}

/** An output; without a width its rows are numbers. */
interface Declared {
  readonly value: string;
  readonly dtype: DType;
  readonly width: number | undefined;
}
