import { type Answer, type Answers, matrixAnswer, plainAnswers } from "./answers.ts";
import type { Estimator } from "./estimator.ts";
import { answerOf, beside, listOf, memberAnswers, secondShare } from "./members.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import { type NumberRows, numberRows, type Rows } from "./rows.ts";

/** MultiOutputClassifier and MultiOutputRegressor: an estimator for each output. */
export async function severalOutputs(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  const members = await memberAnswers(estimator, "estimators_", rows, builder);
  const predictions = members.map((member) => answerOf(member, "predict"));
  const [first] = predictions;
  if (first === undefined || predictions.some((each) => each?.dtype !== first.dtype || !each.vector)) {
    throw estimator.uncovered("members that do not predict one output of the same type are not covered");
  }
  const values = predictions.map((each) => each!.value);
  const predict = matrixAnswer(beside(values, builder), members.length, first.dtype);
  const shares = members.map((member) => answerOf(member, "predict_proba"));
  if (estimator.name !== "MultiOutputClassifier" || shares.some((share) => share === undefined))
    return plainAnswers(["predict", predict]);
  return plainAnswers(["predict", predict], ["predict_proba", shares.filter((share) => share !== undefined)]);
}

/** ClassifierChain and RegressorChain: each estimator gets what those before it said. */
export async function chained(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  const list = listOf(estimator, "estimators_");
  const method = estimator.text("chain_method_") || "predict";
  const members: Answers[] = [];
  const said: string[] = [];
  for (const member of list) {
    const answers = await builder.answers(member, said.length === 0 ? rows : withColumns(estimator, rows, said, builder));
    members.push(answers);
    said.push(columnOf(estimator, answers, method, builder));
  }
  const order = estimator.listOfNumbers("order_", list.length);
  const places = Int32Array.from(order.keys(), (output) => order.indexOf(output));
  if (places.some((place) => place < 0)) throw estimator.damaged("order_", `is no order of ${list.length} outputs`);
  const inOrder = (values: readonly string[]): Answer =>
    matrixAnswer(builder.add(beside(values, builder), { kind: "select", columns: places }), list.length);
  const methods: [string, Answer][] = [
    ["predict", inOrder(members.map((member) => columnOf(estimator, member, "predict", builder)))],
  ];
  for (const name of ["predict_proba", "decision_function"]) {
    if (!members.every((member) => answerOf(member, name) !== undefined)) continue;
    methods.push([name, inOrder(members.map((member) => columnOf(estimator, member, name, builder)))]);
  }
  return plainAnswers(...methods);
}

/** What a member says, as one column: of probabilities, the second's. */
function columnOf(estimator: Estimator, member: Answers, method: string, builder: ProgramBuilder): string {
  if (method === "predict_proba") return secondShare(estimator, member, builder);
  const answer = answerOf(member, method);
  if (answer === undefined || answer.dtype === "string" || !answer.vector) {
    throw estimator.uncovered(`a member without numbers of ${method.slice(0, 50)} is not covered`);
  }
  return answer.value;
}

/** Rows with some columns behind theirs. */
function withColumns(estimator: Estimator, rows: Rows, more: readonly string[], builder: ProgramBuilder): NumberRows {
  const { value, columns } = builder.numbers(estimator, rows);
  return numberRows(beside([value, ...more], builder), columns + more.length);
}
