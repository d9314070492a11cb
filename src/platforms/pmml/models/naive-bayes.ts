import type { PmmlExpression, PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import type { PmmlBayesInput, PmmlDistribution } from "../../../model/tabular/pmml-models.ts";
import { sharedFloats } from "../../shared-arrays.ts";
import { readType, readValue } from "../data-dictionary.ts";
import type { Element } from "../element.ts";
import type { ModelSource, ReadBody } from "../model-reading.ts";
import { castTo, readOnlyExpression } from "../read-expression.ts";

const MOST_COUNTS = 20_000_000;

/** A `<NaiveBayesModel>`. */
export function readNaiveBayes({ element, scope, target }: ModelSource): ReadBody {
  const output = element.needChild("BayesOutput").needChild("TargetValueCounts");
  const labels = output.all("TargetValueCount").map((each) => readValue(each, "value", target.type));
  const numbers = new Map(labels.map((label, i) => [label, i]));
  if (labels.length === 0 || numbers.size !== labels.length) throw output.fault("has no counts, or two of the same value");
  let numberCount = 0;
  const inputs = element
    .needChild("BayesInputs")
    .all("BayesInput")
    .map((input): PmmlBayesInput => {
      const slot = scope.slot(input.need("fieldName"), input);
      const { type } = scope.document.fields[slot];
      const stats = input.child("TargetValueStats");
      const field: PmmlExpression = { kind: "field", type, slot, missing: null };
      if (stats !== undefined) return { kind: "continuous", of: castTo("double", field), distributions: distributions(stats) };
      // What is discretized here counts by its bins.
      const derived = input.child("DerivedField");
      const read = derived && readOnlyExpression(derived, scope);
      const of = derived === undefined || read === undefined ? field : castTo(readType(derived, read.type), read);
      return { kind: "discrete", of, ...counts(input, of) };
    });
  return {
    body: {
      kind: "naive-bayes",
      threshold: element.number("threshold"),
      labels,
      counts: sharedFloats(countsOf(output)),
      inputs,
    },
    labels,
  };

  function counts(input: Element, { type }: PmmlExpression) {
    const pairs = input.all("PairCounts");
    numberCount += pairs.length * labels.length;
    if (numberCount > MOST_COUNTS) throw input.refused(`more than ${MOST_COUNTS} counts`);
    const values: PmmlValue[] = pairs.map((pair) => readValue(pair, "value", type));
    const numbersOf = pairs.flatMap((pair) => countsOf(pair.needChild("TargetValueCounts")));
    const sums = labels.map((_, label) =>
      values.reduce<number>((sum, __, i) => sum + (numbersOf[i * labels.length + label] || 0), 0),
    );
    return { values, counts: sharedFloats(numbersOf), sums: sharedFloats(sums) };
  }

  /** A count of each label; NaN for one that has none. */
  function countsOf(element: Element): number[] {
    const found = labels.map(() => Number.NaN);
    for (const each of element.all("TargetValueCount")) found[labelOf(each)] = each.number("count");
    return found;
  }

  function distributions(stats: Element): (PmmlDistribution | null)[] {
    const found = labels.map((): PmmlDistribution | null => null);
    for (const each of stats.all("TargetValueStat")) found[labelOf(each)] = distribution(each);
    return found;
  }

  function labelOf(each: Element): number {
    const label = numbers.get(readValue(each, "value", target.type));
    if (label === undefined) throw each.fault("is of a value that <BayesOutput> does not count");
    return label;
  }
}

function distribution(stat: Element): PmmlDistribution {
  const gaussian = stat.child("GaussianDistribution");
  if (gaussian !== undefined) return { kind: "gaussian", mean: gaussian.number("mean"), variance: gaussian.number("variance") };
  const poisson = stat.child("PoissonDistribution");
  if (poisson !== undefined) return { kind: "poisson", mean: poisson.number("mean") };
  const uniform = stat.child("UniformDistribution");
  if (uniform !== undefined) return { kind: "uniform", low: uniform.number("lower"), high: uniform.number("upper") };
  throw stat.refused("another distribution than the Gaussian, Poisson's and the uniform one");
}
