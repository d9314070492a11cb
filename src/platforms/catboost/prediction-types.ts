import type { AddStep, BoosterAnswer, CompiledBooster } from "../pickled-booster.ts";
import type { CatboostModel } from "./catboost-model.ts";
import { type ClassLabels, lossName } from "./class-labels.ts";

/** Losses whose sums are logarithms of the answer. */
const EXPONENTIAL = ["Poisson", "Tweedie"];
/** Losses that say for each sum whether it holds, whatever the others are. */
const OF_SEVERAL_LABELS = ["MultiLogloss", "MultiCrossEntropy"];
const ONE_BY_ONE = ["MultiClassOneVsAll", ...OF_SEVERAL_LABELS];

/**
 * Adds what makes CatBoost's prediction types of a model's sums; the first is the one that `predict` of its estimators gives.
 * @param sums the value of the sums, of `width` columns
 * @param classes labels of a classifier
 */
export function predictionTypes(
  model: CatboostModel,
  classes: ClassLabels | undefined,
  sums: string,
  width: number,
  add: AddStep,
): CompiledBooster {
  const raw = numbers(sums, width);
  if (classes !== undefined) return ofClassifier(model, classes, sums, width, add);
  const loss = lossName(model);
  if (loss === "RMSEWithUncertainty" && width === 2) {
    return {
      answers: new Map([
        ["RMSEWithUncertainty", numbers(withUncertainty(sums, add), 2)],
        ["RawFormulaVal", raw],
      ]),
    };
  }
  if (width > 1) return { answers: new Map([["RawFormulaVal", raw]]) };
  const exponent = numbers(add(sums, { kind: "link", link: { kind: "exp" } }), 1);
  return EXPONENTIAL.includes(loss)
    ? {
        answers: new Map([
          ["Exponent", exponent],
          ["RawFormulaVal", raw],
        ]),
        regression: exponent.value,
      }
    : {
        answers: new Map([
          ["RawFormulaVal", raw],
          ["Exponent", exponent],
        ]),
        regression: sums,
      };
}

function ofClassifier(
  model: CatboostModel,
  { labels, dtype }: ClassLabels,
  sums: string,
  width: number,
  add: AddStep,
): CompiledBooster {
  const { threshold } = model.info;
  const loss = lossName(model);
  const scores = probabilities(loss, sums, width, add);
  const probability = numbers(scores, Math.max(2, width));
  const logarithms = numbers(logProbabilities(loss, sums, width, add), Math.max(2, width));
  const others = [
    ["Probability", probability],
    ["LogProbability", logarithms],
    ["RawFormulaVal", numbers(sums, width)],
  ] as const;
  if (OF_SEVERAL_LABELS.includes(loss)) {
    const held = add(over(sums, width, threshold, add), { kind: "link", link: { kind: "step" } });
    return { answers: new Map([["Class", { value: held, dtype: "int64", vector: width === 1, width }], ...others]) };
  }
  const number =
    width === 1
      ? add(over(sums, 1, threshold, add), { kind: "link", link: { kind: "step" } })
      : add(sums, { kind: "link", link: { kind: "argmax" } });
  const label = add(number, { kind: "labels", labels });
  // Of several classes the library answers a column.
  const answer: BoosterAnswer = { value: label, dtype, vector: width === 1, width: 1 };
  return { answers: new Map([["Class", answer], ...others]), prediction: { number, scores, labels, dtype } };
}

function probabilities(loss: string, sums: string, width: number, add: AddStep): string {
  if (width > 1 && !ONE_BY_ONE.includes(loss)) return add(sums, { kind: "link", link: { kind: "softmax" } });
  const each = add(sums, { kind: "link", link: { kind: "sigmoid", steepness: 1 } });
  return width > 1 ? each : add(each, { kind: "link", link: { kind: "complement" } });
}

function logProbabilities(loss: string, sums: string, width: number, add: AddStep): string {
  if (width > 1 && !ONE_BY_ONE.includes(loss)) return add(sums, { kind: "link", link: { kind: "log-softmax" } });
  const opposite = times(sums, width, -1, add);
  const each = width > 1 ? opposite : add(opposite, { kind: "link", link: { kind: "mirror" } });
  return times(add(each, { kind: "link", link: { kind: "log1p-exp" } }), Math.max(2, width), -1, add);
}

/** Means, and squares of what the second sums are logarithms of. */
function withUncertainty(sums: string, add: AddStep): string {
  const means = add(sums, { kind: "select", columns: Int32Array.of(0) });
  const second = add(sums, { kind: "select", columns: Int32Array.of(1) });
  return add([means, add(times(second, 1, 2, add), { kind: "link", link: { kind: "exp" } })], { kind: "concat" });
}

/** How far sums are above those that the threshold's probability has. */
function over(sums: string, width: number, threshold: number, add: AddStep): string {
  if (threshold === 0.5) return sums;
  const border = -Math.log(1 / threshold - 1);
  return add(sums, { kind: "columns", does: "subtract", by: new Float64Array(width).fill(border) });
}

function times(value: string, width: number, by: number, add: AddStep): string {
  return add(value, { kind: "columns", does: "multiply", by: new Float64Array(width).fill(by) });
}

function numbers(value: string, width: number): BoosterAnswer {
  return { value, dtype: "float64", vector: width === 1, width };
}
