import type { SparkOperation } from "../../../model/tabular/spark-operations.ts";
import type { Matrix, SparseMatrix, Texts, Value, Words } from "../matrix.ts";
import {
  sparkBinaryShares,
  sparkFactors,
  sparkIsotonic,
  sparkLargest,
  sparkMean,
  sparkMixture,
  sparkPointTree,
  sparkSecondAbove,
} from "./spark-models.ts";
import {
  sparkAbove,
  sparkAssemble,
  sparkBuckets,
  sparkCategoryNumbers,
  sparkLinear,
  sparkOneHot,
  sparkOuter,
  sparkProducts,
  sparkRange,
  sparkRequire,
  sparkScale,
  sparkSelect,
  sparkUnit,
  sparkWhole,
} from "./spark-vectors.ts";
import {
  sparkCountedWords,
  sparkHashedColumns,
  sparkHashedWords,
  sparkNGrams,
  sparkStopWords,
  sparkTokens,
  sparkWordMeans,
} from "./spark-words.ts";

type Step<Kind extends SparkOperation["kind"]> = Extract<SparkOperation, { kind: Kind }>;
type Apply = (values: readonly Value[]) => Value;

/** What makes a step's function, by its kind. */
const STEPS: { readonly [Kind in SparkOperation["kind"]]: (step: Step<Kind>) => Apply } = {
  "spark-linear": (step) => of((value: Matrix | SparseMatrix) => sparkLinear(step, value)),
  "spark-assemble": (step) => (values) => sparkAssemble(step, values as readonly (Matrix | SparseMatrix)[]),
  "spark-scale": (step) => of((value: Matrix | SparseMatrix) => sparkScale(step, value)),
  "spark-range": (step) => of((value: Matrix) => sparkRange(step, value)),
  "spark-unit": (step) => of((value: Matrix | SparseMatrix) => sparkUnit(step, value)),
  "spark-buckets": (step) => of((value: Matrix) => sparkBuckets(step, value)),
  "spark-above": (step) => of((value: Matrix | SparseMatrix) => sparkAbove(step, value)),
  "spark-products": (step) => of((value: Matrix) => sparkProducts(step, value)),
  "spark-one-hot": (step) => of((value: Matrix) => sparkOneHot(step, value)),
  "spark-category-numbers": (step) => of(sparkCategoryNumbers(step)),
  "spark-outer": () => (values) => sparkOuter(values as readonly Matrix[]),
  "spark-select": (step) => of(sparkSelect(step)),
  "spark-require": (step) => of((value: Matrix | SparseMatrix) => sparkRequire(step, value)),
  "spark-whole": (step) => of((value: Matrix) => sparkWhole(step, value)),
  "spark-tokens": (step) => of(sparkTokens(step)),
  "spark-stop-words": (step) => of(sparkStopWords(step)),
  "spark-n-grams": (step) => of((value: Words) => sparkNGrams(step, value)),
  "spark-hashed-words": (step) => of(sparkHashedWords(step)),
  "spark-counted-words": (step) => of(sparkCountedWords(step)),
  "spark-word-means": (step) => of(sparkWordMeans(step)),
  "spark-hashed-columns": (step) => {
    const hashed = sparkHashedColumns(step);
    return (values) => hashed(values as readonly (Matrix | Texts)[]);
  },
  "spark-largest": (step) => of((value: Matrix) => sparkLargest(step, value)),
  "spark-second-above": (step) => of((value: Matrix) => sparkSecondAbove(step, value)),
  "spark-binary-shares": (step) => of((value: Matrix) => sparkBinaryShares(step, value)),
  "spark-mean": (step) => of((value: Matrix) => sparkMean(step, value)),
  "spark-isotonic": (step) => of((value: Matrix) => sparkIsotonic(step, value)),
  "spark-factors": (step) => of((value: Matrix) => sparkFactors(step, value)),
  "spark-point-tree": (step) => of((value: Matrix) => sparkPointTree(step, value)),
  "spark-mixture": (step) => of((value: Matrix) => sparkMixture(step, value)),
};

/** What a step does with the values that it takes. @throws ServingError invalid-argument for rows that the model refuses */
export function sparkStep(operation: SparkOperation): Apply {
  return (STEPS[operation.kind] as (step: SparkOperation) => Apply)(operation);
}

/** Whether a step is one of these. */
export function isSparkStep(operation: { readonly kind: string }): operation is SparkOperation {
  return Object.hasOwn(STEPS, operation.kind);
}

/** What a text is taken for, of which nobody knows how long it is. */
const TEXT_STEPS = 10_000;
const FEW_STEPS = 10;

/** About what one row costs, in products, of steps that cost more than a few. */
const COSTS: { readonly [Kind in SparkOperation["kind"]]?: (step: Step<Kind>) => number } = {
  "spark-linear": ({ weights }) => weights.length,
  "spark-factors": ({ factors }) => factors.length,
  "spark-point-tree": ({ points }) => points.length,
  "spark-products": ({ parents }) => parents.length,
  "spark-mixture": ({ width, weights }) => width * weights.length,
  "spark-scale": ({ shift, factors }) => Math.max(shift?.length ?? 0, factors?.length ?? 0),
  "spark-range": ({ factors }) => factors.length,
  "spark-select": ({ columns }) => columns.length,
  "spark-one-hot": ({ width }) => width,
  "spark-word-means": ({ width }) => width,
  "spark-tokens": () => TEXT_STEPS,
};

/** About what one row costs, in products. */
export function sparkStepsOfRow(operation: SparkOperation): number {
  return (COSTS[operation.kind] as ((step: SparkOperation) => number) | undefined)?.(operation) ?? FEW_STEPS;
}

/** A step of one value. */
function of<Given extends Value>(apply: (value: Given) => Value): Apply {
  return ([value]) => apply(value as Given);
}
