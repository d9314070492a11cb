import type { PmmlType, PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import type { PmmlSegment, PmmlSegmentation } from "../../../model/tabular/pmml-models.ts";
import type { PmmlResult } from "../../../model/tabular/pmml-operations.ts";
import { type Element, shortened } from "../element.ts";
import type { ModelSource, ReadBody, ReadModel } from "../model-reading.ts";
import { readPredicate } from "../read-predicate.ts";
import type { Scope } from "../scope.ts";

/** Reads the model of a segment. Its outputs go to the slots of `exports`, by name, where there are any. */
export type ReadSegmentModel = (element: Element, scope: Scope, exports: Map<string, number>) => Promise<ReadModel>;

const METHODS: readonly (PmmlSegmentation | `x-${string}`)[] = [
  "majorityVote",
  "weightedMajorityVote",
  "average",
  "weightedAverage",
  "median",
  "weightedMedian",
  "x-weightedMedian",
  "max",
  "sum",
  "weightedSum",
  "x-weightedSum",
  "selectFirst",
  "selectAll",
  "modelChain",
  "multiModelChain",
  "x-multiModelChain",
];
/** What methods are for. */
const OF_NUMBERS: ReadonlySet<string> = new Set(["average", "weightedAverage", "median", "weightedMedian", "sum", "weightedSum"]);
const OF_LABELS: ReadonlySet<string> = new Set([
  "majorityVote",
  "weightedMajorityVote",
  "average",
  "weightedAverage",
  "median",
  "max",
]);
const OF_ANY: ReadonlySet<string> = new Set(["selectFirst", "selectAll", "modelChain", "multiModelChain"]);

/** A `<MiningModel>`: the models of its segments, and how their answers become one. */
export async function readMining(
  source: ModelSource,
  readModel: ReadSegmentModel,
  isModel: (name: string) => boolean,
): Promise<ReadBody> {
  const { element, scope, reading, purpose, target, targets } = source;
  const embedded = element.child("Regression", "DecisionTree");
  if (embedded !== undefined) throw embedded.uncovered();
  const segmentation = element.needChild("Segmentation");
  const method = segmentation.choice("multipleModelMethod", METHODS).replace(/^x-/, "") as PmmlSegmentation;
  const fits = OF_ANY.has(method) || (purpose === "regression" ? OF_NUMBERS : OF_LABELS).has(method);
  if (!fits) throw segmentation.refused(`multipleModelMethod="${method}" of a ${purpose} model`);
  const prefix = segmentation.get("missingPredictionTreatment") === undefined ? "x-" : "";
  const chains = method === "modelChain" || method === "multiModelChain";
  const exports = new Map<string, number>();
  const segments: PmmlSegment[] = [];
  const read: ReadModel[] = [];
  const places = new Map<string, { readonly index: number; readonly type: PmmlType }>();
  for (const [index, each] of segmentation.all("Segment").entries()) {
    await reading.turn();
    const model = each.children.find(({ name }) => isModel(name));
    if (model === undefined) throw each.fault("has no model");
    const predicate = readPredicate(each, scope);
    const made = await readModel(model, scope, chains ? exports : new Map());
    if (chains) for (const output of made.outputs) scope.declare(output.name, output.slot);
    const id = each.get("id") ?? String(index + 1);
    if (places.has(id)) throw each.fault(`is the second one with the id "${shortened(id)}"`);
    places.set(id, { index, type: made.targetType });
    segments.push({ id, weight: each.number("weight", 1), predicate, model: made.model });
    read.push(made);
  }
  if (segments.length === 0) throw segmentation.fault("has no <Segment>");
  const missing = segmentation.choice(
    `${prefix}missingPredictionTreatment`,
    ["continue", "skipSegment", "returnMissing"],
    "continue",
  );
  const results = OF_ANY.has(method)
    ? resultsOf(missing === "skipSegment" ? read : answering(method, segments, read), method === "selectAll")
    : undefined;
  // Of equals the one counts that the first segment has first.
  const labels = [...new Set<PmmlValue>([...read.flatMap((each) => each.labels), ...target.labels])];
  return {
    body: {
      kind: "mining",
      purpose: purpose === "regression" || purpose === "classification" || purpose === "clustering" ? purpose : "other",
      method,
      missing,
      threshold: segmentation.number(
        segmentation.get("missingThreshold") === undefined ? "x-missingThreshold" : "missingThreshold",
        1,
      ),
      segments,
      labels,
      severalTargets: targets.length > 1,
      namesTarget: results?.every(({ name }) => name !== target.target.name) ?? true,
    },
    labels,
    segments: places,
    ...(results && { results }),
  };
}

/** Those of segments' models whose answer may be the whole model's: a segment for every row hides others. */
function answering(
  method: PmmlSegmentation,
  segments: readonly PmmlSegment[],
  models: readonly ReadModel[],
): readonly ReadModel[] {
  const always = segments.map(({ predicate }) => predicate.kind === "true");
  if (method === "modelChain") return models.slice(Math.max(0, always.lastIndexOf(true)));
  const first = always.indexOf(true);
  return method === "selectFirst" && first >= 0 ? models.slice(0, first + 1) : models;
}

/** What segments answer, each name once. */
function resultsOf(models: readonly ReadModel[], several: boolean): readonly PmmlResult[] {
  const results = new Map<string, PmmlResult>();
  for (const result of models.flatMap((model) => model.results)) {
    if (!results.has(result.name)) results.set(result.name, { ...result, several: several || result.several });
  }
  return [...results.values()];
}
