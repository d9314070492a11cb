import type { TabularInput, TabularProgram } from "../../model/tabular/tabular-program.ts";
import { tabularSignatures } from "../../model/tabular/tabular-signatures.ts";
import type { ReadXgboost } from "../pickled-booster.ts";
import { answersOf } from "./answers.ts";
import { deepLearning } from "./deep-learning.ts";
import { extendedIsolationForest } from "./extended-isolation-forest.ts";
import { inputColumns } from "./input-columns.ts";
import { isotonicRegression } from "./isotonic-regression.ts";
import { kMeans } from "./k-means.ts";
import { linearModel } from "./linear-model.ts";
import { type Mojo, readMojo } from "./mojo.ts";
import { damaged, type MojoFiles, notCovered } from "./mojo-files.ts";
import { principalComponents } from "./principal-components.ts";
import { ProgramBuilder } from "./program-builder.ts";
import { proportionalHazards } from "./proportional-hazards.ts";
import { ruleFit } from "./rule-fit.ts";
import type { Scored } from "./scored.ts";
import { stackedEnsemble } from "./stacked-ensemble.ts";
import type { ModelDepth } from "./submodels.ts";
import { targetEncoder } from "./target-encoder.ts";
import { gradientBoosting, isolationForest, randomForest, upliftForest } from "./tree-models.ts";
import { wordVectors } from "./word-vectors.ts";
import { xgboost } from "./xgboost.ts";

interface Compiling {
  readonly mojo: Mojo;
  readonly rows: string;
  /** The value of offsets, where a request may have them. */
  readonly offset: string | undefined;
  readonly depth: ModelDepth;
  readonly builder: ProgramBuilder;
}

interface Algorithm {
  readonly compile: (compiling: Compiling) => Scored | Promise<Scored>;
  /** Version of the format that is known. */
  readonly version: number;
  readonly takesOffset?: boolean;
}

const BOOSTING: Algorithm = {
  compile: ({ mojo, rows, offset, builder }) => gradientBoosting(mojo, rows, offset, builder),
  version: 1.4,
  takesOffset: true,
};
const LINEAR: Algorithm = {
  compile: ({ mojo, rows, offset, builder }) => linearModel(mojo, rows, offset, builder),
  version: 1,
  takesOffset: true,
};
const DEEP: Algorithm = { compile: ({ mojo, rows, builder }) => deepLearning(mojo, rows, builder), version: 1.1 };
const STACKED: Algorithm = {
  compile: ({ mojo, rows, depth, builder }) => stackedEnsemble(mojo, rows, depth, builder, inside(builder)),
  version: 1.01,
};
const COMPONENTS: Algorithm = { compile: ({ mojo, rows, builder }) => principalComponents(mojo, rows, builder), version: 1 };
const COX: Algorithm = {
  compile: ({ mojo, rows, offset, builder }) => proportionalHazards(mojo, rows, offset, builder),
  version: 1,
  takesOffset: true,
};
const RULES: Algorithm = {
  compile: ({ mojo, rows, depth, builder }) => ruleFit(mojo, rows, depth, builder, inside(builder)),
  version: 1,
};

/** By the names that versions of H2O have given them. */
const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map([
  ["Gradient Boosting Machine", BOOSTING],
  ["Gradient Boosting Method", BOOSTING],
  ["Distributed Random Forest", { compile: ({ mojo, rows, builder }) => randomForest(mojo, rows, builder), version: 1.4 }],
  ["Isolation Forest", { compile: ({ mojo, rows, builder }) => isolationForest(mojo, rows, builder), version: 1.4 }],
  [
    "Extended Isolation Forest",
    { compile: ({ mojo, rows, builder }) => extendedIsolationForest(mojo, rows, builder), version: 1 },
  ],
  ["Uplift Distributed Random Forest", { compile: ({ mojo, rows, builder }) => upliftForest(mojo, rows, builder), version: 1.4 }],
  ["Generalized Linear Modeling", LINEAR],
  ["Generalized Linear Model", LINEAR],
  ["K-means", { compile: ({ mojo, rows, builder }) => kMeans(mojo, rows, builder), version: 1 }],
  ["Deep Learning", DEEP],
  ["deep learning", DEEP],
  ["Stacked Ensemble", STACKED],
  ["StackedEnsemble", STACKED],
  ["Principal Components Analysis", COMPONENTS],
  ["Principal Component Analysis", COMPONENTS],
  [
    "XGBoost",
    { compile: ({ mojo, rows, offset, builder }) => xgboost(mojo, rows, offset, builder), version: 1.1, takesOffset: true },
  ],
  ["RuleFit", RULES],
  ["rulefit", RULES],
  ["Isotonic Regression", { compile: ({ mojo, rows, builder }) => isotonicRegression(mojo, rows, builder), version: 1 }],
  ["Cox Proportional Hazards", COX],
  ["CoxPH", COX],
  ["TargetEncoder", { compile: ({ mojo, rows, builder }) => targetEncoder(mojo, rows, builder), version: 1 }],
]);

/** Algorithms whose answers are not their own. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ["Generalized Low Rank Modeling", " (what it answers depends on how many rows it was asked before)"],
  ["Generalized Low Rank Model", " (what it answers depends on how many rows it was asked before)"],
]);

const WORDS = "Word2Vec";

/**
 * Makes a program of a MOJO.
 * @throws ServingError unimplemented, which names the algorithm or what it has, for what is not covered; data-loss for a damaged one
 */
export async function compileMojo(files: MojoFiles, readXgboost: ReadXgboost, signal: AbortSignal): Promise<TabularProgram> {
  const mojo = await readMojo(files, signal);
  const builder = new ProgramBuilder(signal, readXgboost);
  const { inputs, scored } = mojo.algorithm === WORDS ? await ofWords(mojo, builder) : await ofRows(mojo, builder);
  const { answers, classes, regression } = answersOf(scored, builder);
  return {
    runtime: "tabular",
    inputs,
    operations: builder.operations,
    ...tabularSignatures(inputs, new Map([["predict", answers]])),
    ...(classes && { classes }),
    ...(regression !== undefined && { regression }),
    bytes: files.bytes,
  };
}

interface Compiled {
  readonly inputs: readonly TabularInput[];
  readonly scored: Scored;
}

async function ofWords(mojo: Mojo, builder: ProgramBuilder): Promise<Compiled> {
  const alias = mojo.columns[0] ?? "word";
  const inputs: readonly TabularInput[] = [{ alias, value: "word", type: "texts", columns: 1, vector: true }];
  return { inputs, scored: await wordVectors(mojo, "word", builder) };
}

async function ofRows(mojo: Mojo, builder: ProgramBuilder): Promise<Compiled> {
  const { settings, where } = mojo;
  const { takesOffset = false } = algorithmOf(mojo);
  const columns = await inputColumns(mojo, builder.signal);
  if (columns.length === 0) throw damaged(where, "has no columns");
  const inputs: TabularInput[] = columns.map(({ name, fills }, i) => ({
    alias: name,
    value: `input-${i}`,
    type: fills.levels === undefined ? "float64" : "texts",
    columns: 1,
    vector: true,
    optional: true,
  }));
  const rows = builder.add(
    inputs.map(({ value }) => value),
    { kind: "level-rows", width: mojo.features, columns: columns.map(({ fills }) => fills) },
  );
  let offset: string | undefined;
  if (takesOffset && settings.has("offset_column")) {
    offset = "offset";
    inputs.push({
      alias: settings.text("offset_column"),
      value: offset,
      type: "float64",
      columns: 1,
      vector: true,
      optional: true,
    });
  }
  const names = new Set(inputs.map(({ alias }) => alias));
  if (names.size !== inputs.length) throw damaged(where, "has two columns of the same name");
  return { inputs, scored: await compile({ mojo, rows, offset, depth: { depth: 0, count: { models: 0 } }, builder }) };
}

/** What compiles the models in a model: without offsets, as H2O does. */
function inside(builder: ProgramBuilder) {
  return (mojo: Mojo, rows: string, depth: ModelDepth): Promise<Scored> =>
    compile({ mojo, rows, offset: undefined, depth, builder });
}

async function compile(compiling: Compiling): Promise<Scored> {
  const { mojo, builder } = compiling;
  const algorithm = algorithmOf(mojo);
  await builder.turn(mojo.features);
  return await algorithm.compile(compiling);
}

function algorithmOf({ algorithm, version, where }: Mojo): Algorithm {
  const found = ALGORITHMS.get(algorithm);
  if (found === undefined) throw notCovered(where, `the algorithm ${algorithm.slice(0, 80)}${REASONS.get(algorithm) ?? ""}`);
  if (version > found.version) throw notCovered(where, `version ${version} of the format of ${algorithm}`);
  return found;
}
