import type { PmmlValue } from "../../model/tabular/pmml-fields.ts";
import type { PmmlModel } from "../../model/tabular/pmml-models.ts";
import type { PmmlResult } from "../../model/tabular/pmml-operations.ts";
import { type Element, shortened } from "./element.ts";
import { declareInput, readMiningSchema } from "./mining-schema.ts";
import type { ModelPurpose, ModelSource, ReadBody, Reading, ReadModel, ReadModelBody, TargetField } from "./model-reading.ts";
import { readAnomaly } from "./models/anomaly.ts";
import { readAssociation } from "./models/association.ts";
import { readClustering } from "./models/clustering.ts";
import { readGeneralRegression } from "./models/general-regression.ts";
import { type ReadSegmentModel, readMining } from "./models/mining.ts";
import { readNaiveBayes } from "./models/naive-bayes.ts";
import { readNeighbors } from "./models/neighbors.ts";
import { readNetwork } from "./models/network.ts";
import { readRegression } from "./models/regression.ts";
import { readRuleSet } from "./models/rule-set.ts";
import { readScorecard } from "./models/scorecard.ts";
import { readSupportVectors } from "./models/support-vectors.ts";
import { readTree } from "./models/tree.ts";
import { readOutputs } from "./read-outputs.ts";
import { readTargets } from "./read-targets.ts";
import { Scope } from "./scope.ts";

/** Models within models within ... */
const MOST_NESTED = 50;
const READERS: ReadonlyMap<string, ReadModelBody> = new Map<string, ReadModelBody>([
  ["RegressionModel", readRegression],
  ["GeneralRegressionModel", readGeneralRegression],
  ["TreeModel", readTree],
  ["NeuralNetwork", readNetwork],
  ["SupportVectorMachineModel", readSupportVectors],
  ["NaiveBayesModel", readNaiveBayes],
  ["ClusteringModel", readClustering],
  ["NearestNeighborModel", readNeighbors],
  ["Scorecard", readScorecard],
  ["RuleSetModel", readRuleSet],
  ["AssociationModel", readAssociation],
]);
const NESTING = ["MiningModel", "AnomalyDetectionModel"];
const UNCOVERED = [
  "BaselineModel",
  "BayesianNetworkModel",
  "GaussianProcessModel",
  "SequenceModel",
  "TextModel",
  "TimeSeriesModel",
];
const PURPOSES: ReadonlySet<string> = new Set(["regression", "classification", "clustering", "associationRules", "mixed"]);
/** What a model does that does not say. */
const USUAL: ReadonlyMap<string, ModelPurpose> = new Map([
  ["Scorecard", "regression"],
  ["ClusteringModel", "clustering"],
  ["AssociationModel", "associationRules"],
  ["NaiveBayesModel", "classification"],
]);

/** Whether elements of a name are models. */
export function isModel(name: string): boolean {
  return READERS.has(name) || NESTING.includes(name) || UNCOVERED.includes(name);
}

/** Reads a document's model, with its segments. Its mining fields are the request's. */
export function readOutermost(element: Element, scope: Scope, reading: Reading): Promise<ReadModel> {
  return readIn(element, scope, reading, new Map(), 0);
}

async function readIn(
  element: Element,
  around: Scope,
  reading: Reading,
  exports: Map<string, number>,
  depth: number,
): Promise<ReadModel> {
  if (depth > MOST_NESTED) throw element.refused(`models nested deeper than ${MOST_NESTED}`);
  const outermost = depth === 0;
  const scope = outermost ? around : new Scope(around.document, around);
  const purpose = purposeOf(element);
  const schema = readMiningSchema(element, scope, outermost);
  for (const derived of element.child("LocalTransformations")?.all("DerivedField") ?? [])
    scope.define(derived.need("name"), derived);
  const targets = withMeasured(element, schema.targets, readTargets(element, schema.targets, scope, purpose), scope, outermost);
  const float = element.choice("x-mathContext", ["double", "float"], "double") === "float";
  const readInner: ReadSegmentModel = (inner, within, names) => readIn(inner, within, reading, names, depth + 1);
  const read = await readBody({ element, scope, reading, purpose, target: targets[0], targets, float }, readInner);
  const selectsAll = read.body.kind === "mining" && read.body.method === "selectAll";
  const outputs = readOutputs(element, { scope, targets, segments: read.segments ?? new Map(), selectsAll, exports });
  const model = { target: targets[0].target, float, outputs, ...read.body } as PmmlModel;
  const own = outputs.map(({ name, type, several }): PmmlResult => ({ name, type, several }));
  const answers = [...(read.results ?? [targetResult(targets[0])]), ...missingTarget(read, targets[0])];
  const names = new Set(own.map(({ name }) => name));
  return {
    model,
    results: [...answers.filter(({ name }) => !names.has(name)), ...own],
    labels: read.labels ?? [],
    shownLabels: shownLabels(targets[0].labels, read.labels ?? []),
    outputs,
    targetType: targets[0].type,
    checked: schema.checked,
  };
}

/** Labels as the target declares them, then those that only the model has. */
function shownLabels(declared: readonly PmmlValue[], labels: readonly PmmlValue[]): readonly PmmlValue[] {
  return labels.length === 0 ? [] : [...new Set([...declared, ...labels])];
}

function targetResult({ target, type }: TargetField): PmmlResult {
  return { name: target.name, type, several: false };
}

/** A chain that no segment of is for a row has its own target, which is missing. */
function missingTarget({ body, results }: ReadBody, target: TargetField): readonly PmmlResult[] {
  const lacks = body.kind === "mining" && target.name !== undefined && results?.every(({ name }) => name !== target.name);
  return lacks ? [targetResult(target)] : [];
}

function readBody(source: ModelSource, readInner: ReadSegmentModel): ReadBody | Promise<ReadBody> {
  const { element } = source;
  if (element.name === "MiningModel") return readMining(source, readInner, isModel);
  if (element.name === "AnomalyDetectionModel") return readAnomaly(source, readInner, isModel);
  const read = READERS.get(element.name);
  if (read === undefined) throw element.uncovered();
  return read(source);
}

function purposeOf(element: Element): ModelPurpose {
  const name = element.get("functionName")?.trim();
  if (name === undefined) {
    const usual = USUAL.get(element.name);
    if (usual === undefined) throw element.fault('has no attribute "functionName"');
    return usual;
  }
  if (!PURPOSES.has(name)) throw element.refused(`functionName="${shortened(name)}"`);
  if (element.name === "ClusteringModel" && name !== "clustering") throw element.refused(`functionName="${name}"`);
  return name as ModelPurpose;
}

/** The target with the slot of what was measured, where an output is about the difference. */
function withMeasured(
  element: Element,
  declared: readonly Element[],
  targets: readonly TargetField[],
  scope: Scope,
  outermost: boolean,
): readonly TargetField[] {
  const asks =
    element
      .child("Output")
      ?.all("OutputField")
      .some((field) => field.get("feature") === "residual") ?? false;
  if (!asks || declared.length === 0) return targets;
  const [first, ...others] = targets;
  const name = first.name!;
  const actual = outermost ? declareInput(name, declared[0], scope) : scope.slot(name, declared[0]);
  return [{ ...first, target: { ...first.target, actual } }, ...others];
}
