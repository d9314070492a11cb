import { PickleObject, type PickleValue } from "../../codec/pickle/pickle-value.ts";
import { sharedFloats } from "../shared-arrays.ts";
import { type Answers, matrixAnswer, regressed } from "./answers.ts";
import { type ClassLabels, classified, classLabels } from "./class-labels.ts";
import { Estimator } from "./estimator.ts";
import { answerOf, beside, columnwise, listOf, predictionOf, secondShare, spread, sumOf } from "./members.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { NumberRows, Rows } from "./rows.ts";

/** CalibratedClassifierCV: the mean of probabilities that were fitted to the members' answers. */
export async function calibratedClassifier(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  const classes = classLabels(estimator);
  const width = classes.labels.length;
  const shares: string[] = [];
  for (const member of listOf(estimator, "calibrated_classifiers_"))
    shares.push(await calibrated(estimator, member, classes, rows, builder));
  const sum = sumOf(shares, new Float64Array(shares.length).fill(1), builder);
  const mean = columnwise(sum, "divide", shares.length, builder, width);
  return classified(builder, classes, builder.link(mean, { kind: "argmax" }), ["predict_proba", matrixAnswer(mean, width)]);
}

async function calibrated(
  estimator: Estimator,
  value: PickleValue,
  { labels }: ClassLabels,
  rows: Rows,
  builder: ProgramBuilder,
): Promise<string> {
  if (!(value instanceof PickleObject)) throw estimator.damaged("calibrated_classifiers_", "have something else than estimators");
  const member = new Estimator(value);
  // Until 1.2 the one name, until 0.24 the other too.
  const inner = await builder.answers(member.value("estimator") ?? member.value("base_estimator"), rows);
  const own = predictionOf(estimator, inner).labels;
  const isBinary = labels.length === 2;
  if (inner.withheld?.includes("decision_function")) {
    throw estimator.uncovered("before 0.21, of members whose decisions depend on the other rows, it is not covered");
  }
  const decision = answerOf(inner, "decision_function");
  const scores = decision?.value ?? (isBinary ? secondShare(estimator, inner, builder) : answerOf(inner, "predict_proba")?.value);
  if (scores === undefined) throw estimator.uncovered("a member without decisions and probabilities is not covered");
  const calibrators = listOf(member, member.value("calibrators") === null ? "calibrators_" : "calibrators").map((each) => {
    if (!(each instanceof PickleObject)) throw member.damaged("calibrators", "have something else than estimators");
    return new Estimator(each);
  });
  if (calibrators[0].name === "_TemperatureScaling") throw estimator.uncovered('method="temperature" is not covered');
  if (calibrators.length !== (isBinary ? 1 : own.length))
    throw member.damaged("calibrators", `are ${calibrators.length} of ${own.length} classes`);
  const columns = calibrators.map((calibrator, i) => {
    const column = calibrators.length === 1 ? scores : builder.add(scores, { kind: "select", columns: Int32Array.of(i) });
    return calibrator.name === "IsotonicRegression"
      ? isotonicOf(calibrator, column, builder)
      : sigmoidOf(calibrator, column, builder);
  });
  if (isBinary) return builder.link(columns[0], { kind: "complement" });
  const all = spread(estimator, beside(columns, builder), own, labels, builder);
  return builder.add(all, { kind: "guarded-shares", whenZero: "equal" });
}

function sigmoidOf(calibrator: Estimator, column: string, builder: ProgramBuilder): string {
  if (calibrator.name !== "_SigmoidCalibration") throw calibrator.uncovered("as a calibration, it is not covered");
  const straight = columnwise(
    columnwise(column, "multiply", calibrator.number("a_"), builder),
    "add",
    calibrator.number("b_"),
    builder,
  );
  return builder.link(straight, { kind: "sigmoid", steepness: -1 });
}

/** IsotonicRegression: between its thresholds on lines. */
export function isotonicRegression(estimator: Estimator, { value, columns }: NumberRows, builder: ProgramBuilder): Answers {
  if (columns !== 1) throw estimator.damaged("X_thresholds_", `is of one column, not ${columns}`);
  const answers = regressed(isotonicOf(estimator, builder.finite(value), builder));
  return { ...answers, methods: new Map([...answers.methods, ["transform", answers.methods.get("predict")!]]) };
}

const OUTSIDE = { clip: "end", nan: "nan", raise: "refused" } as const;

function isotonicOf(estimator: Estimator, column: string, builder: ProgramBuilder): string {
  const bounds = estimator.text("out_of_bounds");
  if (!Object.hasOwn(OUTSIDE, bounds)) throw estimator.uncovered(`out_of_bounds="${bounds.slice(0, 50)}" is not covered`);
  // Before 0.24 they had another name.
  const [x, y] =
    estimator.value("X_thresholds_") === null ? ["_necessary_X_", "_necessary_y_"] : ["X_thresholds_", "y_thresholds_"];
  const places = estimator.numbers(x);
  const values = estimator.numbers(y, places.length);
  if (places.length === 0) throw estimator.damaged(x, "is empty");
  if (places.some((place, i) => i > 0 && !(place >= places[i - 1]))) throw estimator.damaged(x, "does not rise");
  const isConstant = places.length === 1;
  const outside = isConstant ? "end" : OUTSIDE[bounds as keyof typeof OUTSIDE];
  return builder.add(column, { kind: "interpolate", x: sharedFloats(places), y: sharedFloats(values), outside });
}
