import type { PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import { isNumeric, parsePmmlValue } from "../../../model/tabular/pmml-values.ts";
import { shortened } from "../element.ts";
import type { ModelSource, ReadBody } from "../model-reading.ts";
import { readNumberArray, readNumbers, readWords } from "../read-array.ts";
import { readCompared, readMeasure } from "./measure.ts";

/** A `<ClusteringModel>` of centers. */
export function readClustering({ element, scope }: ModelSource): ReadBody {
  if (element.choice("modelClass", ["centerBased", "distributionBased"], "centerBased") !== "centerBased")
    throw element.refused('modelClass="distributionBased"');
  const { measure, compare } = readMeasure(element.needChild("ComparisonMeasure"));
  const fields = element
    .all("ClusteringField")
    .filter((field) => field.flag("isCenterField", true))
    .map((field) => readCompared(field, scope, compare));
  const types = fields.map(({ slot }) => scope.document.fields[slot].type);
  const weights = element.child("MissingValueWeights");
  const missingWeights = weights === undefined ? fields.map(() => 1) : Array.from(readNumberArray(weights, fields.length));
  const clusters = element.all("Cluster").map((cluster, i) => {
    const array = cluster.needChild("Array", "REAL-SparseArray", "INT-SparseArray");
    const words: readonly (string | number)[] = types.every(isNumeric)
      ? Array.from(readNumbers(array, fields.length))
      : readWords(array);
    if (words.length !== fields.length) throw cluster.fault(`has ${words.length} values for ${fields.length} fields`);
    const center = words.map((word, field): PmmlValue => {
      if (typeof word === "number") return word;
      const value = parsePmmlValue(word, types[field]);
      if (value === undefined) throw cluster.fault(`has "${shortened(word)}", which is no ${types[field]}`);
      return value;
    });
    return { id: cluster.get("id") ?? String(i + 1), name: cluster.get("name") ?? null, center };
  });
  if (clusters.length === 0) throw element.fault("has no <Cluster>");
  return { body: { kind: "clustering", measure, fields, missingWeights, clusters } };
}
