import type { PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import type { PmmlCompared, PmmlMeasure } from "../../../model/tabular/pmml-models.ts";
import type { Element } from "../element.ts";
import { readMatrix } from "../read-array.ts";
import type { Scope } from "../scope.ts";

const PLAIN = ["euclidean", "squaredEuclidean", "chebychev", "cityBlock", "simpleMatching", "jaccard", "tanimoto"] as const;
const BINARY = ["11", "10", "01", "00"];
const COMPARISONS = ["absDiff", "gaussSim", "delta", "equal", "table"] as const;

type Comparison = PmmlCompared["compare"];

/** A `<ComparisonMeasure>` and how it compares fields that do not say. */
export function readMeasure(element: Element): { readonly measure: PmmlMeasure; readonly compare: Comparison } {
  const kind = element.choice("kind", ["distance", "similarity"], "distance");
  const compare = element.choice("compareFunction", COMPARISONS, "absDiff");
  const metric = readMetric(element);
  const similar = !["euclidean", "squaredEuclidean", "chebychev", "cityBlock", "minkowski"].includes(metric.name);
  if (similar !== (kind === "similarity")) throw element.fault(`has kind="${kind}" and <${metric.name}>`);
  return { measure: { kind, metric }, compare };
}

/** What a `<ClusteringField>` or `<KNNInput>` says of the comparison of its field. */
export function readCompared(element: Element, scope: Scope, compare: Comparison): PmmlCompared {
  const slot = scope.slot(element.need("field"), element);
  const { type } = scope.document.fields[slot];
  const own = element.choice("compareFunction", COMPARISONS, compare);
  const table = own === "table" ? readTable(element, type === "string") : { values: [], table: [] };
  return {
    slot,
    weight: element.number("fieldWeight", 1),
    compare: own,
    scale: own === "gaussSim" ? element.number("similarityScale") : 1,
    ...table,
  };

  function readTable(field: Element, texts: boolean): { values: PmmlValue[]; table: number[] } {
    const rows = readMatrix(field.needChild("Comparisons").needChild("Matrix"));
    const values = scope.document.dataFields.get(field.need("field"))?.validity.values ?? [];
    if (!texts && values.length === 0) throw field.refused('compareFunction="table" of numbers');
    if (rows.length !== values.length || rows.some((row) => row.length !== values.length))
      throw field.fault(`has a matrix that is not ${values.length} by ${values.length}, as its field has values`);
    return { values: [...values], table: rows.flat() };
  }
}

function readMetric(element: Element): PmmlMeasure["metric"] {
  const metric = element.child(...PLAIN, "minkowski", "binarySimilarity");
  if (metric === undefined) throw element.fault("has no measure that is known");
  if (metric.name === "minkowski") return { name: "minkowski", p: metric.number("p-parameter") };
  if (metric.name === "binarySimilarity") {
    const parameters = ["c", "d"].flatMap((part) => BINARY.map((pair) => metric.number(`${part}${pair}-parameter`)));
    return { name: "binarySimilarity", parameters };
  }
  return { name: metric.name as (typeof PLAIN)[number] };
}
