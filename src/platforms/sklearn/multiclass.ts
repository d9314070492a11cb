import { sharedFloats } from "../shared-arrays.ts";
import { type Answer, type Answers, matrixAnswer, plainAnswers, vectorAnswer } from "./answers.ts";
import { classified, labelsOf } from "./class-labels.ts";
import { constantRows } from "./dummies.ts";
import type { Estimator } from "./estimator.ts";
import { answerOf, beside, columnwise, memberAnswers, numberAmong, predictionOf, scoreOfSecond, secondShare } from "./members.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Rows } from "./rows.ts";

/** OneVsRestClassifier: the class, or the classes, whose estimator is most for it. */
export async function oneAgainstRest(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  const binarizer = estimator.estimator("label_binarizer_");
  const kind = binarizer.text("y_type_");
  const members = await memberAnswers(estimator, "estimators_", rows, builder);
  const scores = beside(
    members.map((member) => scoreOfSecond(estimator, member, builder)),
    builder,
  );
  const width = members.length;
  const methods = oneAgainstRestMethods(estimator, members, kind.startsWith("multilabel"), builder);
  // A decision of 0, a probability of a half.
  const middle = thresholdOf(members[0]);
  const above = builder.link(columnwise(scores, "subtract", middle, builder, width), { kind: "step" });
  if (kind === "multilabel-indicator") return plainAnswers(["predict", matrixAnswer(above, width, "int64")], ...methods);
  const classes = labelsOf(binarizer.array("classes_"), binarizer, "classes_");
  if (classes.labels.length !== (width === 1 ? 2 : width))
    throw estimator.damaged("estimators_", `are ${width}, of other classes`);
  const number = width === 1 ? above : builder.add(scores, { kind: "row", does: "last-argmax" });
  return classified(builder, classes, number, ...methods);
}

function oneAgainstRestMethods(
  estimator: Estimator,
  members: readonly Answers[],
  isMultilabel: boolean,
  builder: ProgramBuilder,
): [string, Answer][] {
  const width = members.length;
  const methods: [string, Answer][] = [];
  if (members.every((member) => answerOf(member, "predict_proba") !== undefined)) {
    const second = beside(
      members.map((member) => secondShare(estimator, member, builder)),
      builder,
    );
    const shares =
      width === 1
        ? builder.link(second, { kind: "complement" })
        : isMultilabel
          ? second
          : builder.add(second, { kind: "guarded-shares", whenZero: "zero" });
    methods.push(["predict_proba", matrixAnswer(shares, width === 1 ? 2 : width)]);
  }
  const decisions = members.map((member) => answerOf(member, "decision_function"));
  if (decisions.every((decision) => decision?.vector === true)) {
    const value = beside(
      decisions.map((decision) => decision!.value),
      builder,
    );
    methods.push(["decision_function", width === 1 ? vectorAnswer(value) : matrixAnswer(value, width)]);
  }
  return methods;
}

/** OneVsOneClassifier: votes for each pair of classes, and how sure they were. */
export async function oneAgainstOne(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  if (estimator.value("pairwise_indices_") !== null) throw estimator.uncovered("precomputed kernels are not covered");
  const classes = labelsOf(estimator.array("classes_"), estimator, "classes_");
  const width = classes.labels.length;
  const members = await memberAnswers(estimator, "estimators_", rows, builder);
  if (members.length !== (width * (width - 1)) / 2)
    throw estimator.damaged("estimators_", `are ${members.length} of ${width} classes`);
  const wins = members.map((member) => numberAmong(estimator, predictionOf(estimator, member), [0, 1], builder));
  const margins = members.map((member) => scoreOfSecond(estimator, member, builder));
  const scores = builder.add([beside(wins, builder), beside(margins, builder)], { kind: "pairwise-scores", classes: width });
  // Before 0.21 the decisions of a row depended on the others that it came with; which is the largest did not.
  const decided = (number: string, answer: Answer): Answers =>
    estimator.isSince(0, 21)
      ? classified(builder, classes, number, ["decision_function", answer])
      : { ...classified(builder, classes, number), withheld: ["decision_function"] };
  if (width > 2) return decided(builder.link(scores, { kind: "argmax" }), matrixAnswer(scores, width));
  const decision = builder.add(scores, { kind: "select", columns: Int32Array.of(1) });
  const middle = thresholdOf(members[0]);
  const number = builder.link(columnwise(decision, "subtract", middle, builder), { kind: "step" });
  return decided(number, vectorAnswer(decision));
}

/** OutputCodeClassifier: the class whose code is nearest to the estimators' answers. */
export async function outputCode(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  const classes = labelsOf(estimator.array("classes_"), estimator, "classes_");
  const members = await memberAnswers(estimator, "estimators_", rows, builder);
  const codes = estimator.table("code_book_", members.length);
  if (codes.rows !== classes.labels.length) throw estimator.damaged("code_book_", `is of ${codes.rows} classes`);
  const scores = beside(
    members.map((member) => scoreOfSecond(estimator, member, builder)),
    builder,
  );
  const far = builder.add(scores, { kind: "squares", points: sharedFloats(codes.data), bias: new Float64Array(codes.rows) });
  return classified(builder, classes, builder.link(far, { kind: "argmin" }));
}

/** A column of one number, for classes that every row of training had, or none. */
export function constantPredictor(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Answers {
  const constant = estimator.array("y_")?.numbers()[0] ?? estimator.number("y_");
  const of = (...numbers: number[]) => constantRows(estimator, rows, Float64Array.from(numbers), builder);
  const number = of(constant);
  const prediction = { labels: [0, 1], dtype: "int64", number } as const;
  return {
    methods: new Map([
      ["predict", vectorAnswer(number, "int64")],
      ["predict_proba", matrixAnswer(of(1 - constant, constant), 2)],
      ["decision_function", vectorAnswer(number)],
    ]),
    prediction,
  };
}

/** Where an estimator of two classes changes its mind. */
function thresholdOf(member: Answers): number {
  return member.regression !== undefined || answerOf(member, "decision_function") === undefined ? 0.5 : 0;
}
