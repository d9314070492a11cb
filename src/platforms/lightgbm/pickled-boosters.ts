import { ServingError } from "../../base/serving-error.ts";
import { NumpyArray, plainValue } from "../../codec/pickle/numpy-array.ts";
import { PickleObject, type PickleValue } from "../../codec/pickle/pickle-value.ts";
import type { TabularProgram } from "../../model/tabular/tabular-program.ts";
import { boosterState, labelsIn } from "../booster-state.ts";
import type { AddStep, CompiledBooster, PickledBooster, PickledBoosters } from "../pickled-booster.ts";
import { modelProgram, programAnswers } from "./read-model.ts";
import { addModel, readText, type TextModel } from "./text-model.ts";

const BOOSTER = "lightgbm.basic.Booster";
/** Estimators of LightGBM's for scikit-learn. */
const ESTIMATOR = /^lightgbm\.sklearn\.LGBM(Classifier|Regressor|Ranker)$/;

/** Boosters of LightGBM, alone or in its estimators for scikit-learn. */
export const pickledLightgbm: PickledBoosters = {
  allows: ({ full }) => /^lightgbm(\.\w+)+$/.test(full),
  knows: ({ type }) => type.full === BOOSTER || ESTIMATOR.test(type.full),

  async read(object, signal): Promise<PickledBooster> {
    const pickled = await readPickled(object, signal);
    const { name, model } = pickled;
    return {
      name,
      columns: model.header.columns,
      ...(model.header.names !== undefined && { columnNames: model.header.names }),
      compile(rows, add) {
        if (rows.columns !== model.header.columns) {
          throw new ServingError("data-loss", `${name} takes ${model.header.columns} columns where ${rows.columns} are given`);
        }
        // What it makes of a matrix is not what it made of the data frame.
        if (model.categories.size > 0) {
          throw new ServingError(
            "unimplemented",
            `${name} was trained on categories of a data frame, which are not covered within other estimators`,
          );
        }
        return Promise.resolve(compile(pickled, rows.value, add));
      },
    };
  },
};

/** Makes a program of a booster or estimator that is a pickle. @param bytes size of the model's files */
export async function pickledProgram(object: PickleObject, bytes: number, signal: AbortSignal): Promise<TabularProgram> {
  const pickled = await readPickled(object, signal);
  return modelProgram(pickled.model, bytes, (from, add) => programAnswers(compile(pickled, from, add)));
}

/** A booster as a pickle has it. */
interface Pickled {
  readonly name: string;
  readonly model: TextModel;
  /** Rounds that count; all where training was not stopped early. */
  readonly rounds: number | undefined;
  readonly kind: "Booster" | "Classifier" | "Regressor" | "Ranker";
  readonly labels: readonly (string | number)[] | undefined;
  /** Whether labels are true and false. */
  readonly isBoolean: boolean;
}

async function readPickled(object: PickleObject, signal: AbortSignal): Promise<Pickled> {
  const name = object.type.full;
  const state = boosterState(object);
  const inner = name === BOOSTER ? object : state.get("_Booster");
  if (!(inner instanceof PickleObject) || inner.type.full !== BOOSTER) {
    throw new ServingError("data-loss", `${name} has no booster (is it fitted?)`);
  }
  const kept = boosterState(inner);
  // Before 4.0 it had another name.
  const text = kept.get("_handle") ?? kept.get("handle");
  if (typeof text !== "string") throw new ServingError("data-loss", `${name} has no booster (is it fitted?)`);
  const best = plainValue(kept.get("best_iteration") ?? null);
  const [, kind = "Booster"] = ESTIMATOR.exec(name) ?? [];
  const classes = NumpyArray.of(state.get("_classes") ?? encoded(state.get("_le")));
  return {
    name,
    model: await readText(Buffer.from(text, "utf8"), name, signal),
    rounds: typeof best === "number" && Number.isInteger(best) && best > 0 ? best : undefined,
    kind: kind as Pickled["kind"],
    labels: labelsIn(classes?.values()),
    isBoolean: classes?.isBoolean ?? false,
  };
}

function dtypeOf(labels: readonly (string | number)[]): "string" | "int64" | "float64" {
  if (labels.every((label) => typeof label === "string")) return "string";
  return labels.every(Number.isSafeInteger) ? "int64" : "float64";
}

function encoded(encoder: PickleValue | undefined): PickleValue | undefined {
  return encoder instanceof PickleObject ? boosterState(encoder).get("classes_") : undefined;
}

function compile({ name, model, rounds, kind, labels, isBoolean }: Pickled, from: string, add: AddStep): CompiledBooster {
  const answers = addModel(model, from, add, rounds);
  if (kind === "Booster") return { answers };
  const predict = answers.get("predict")!;
  const others = [...answers].filter(([method]) => method !== "predict");
  if (kind !== "Classifier") return { answers, ...(predict.vector && { regression: predict.value }) };
  const { objective = "" } = model.header;
  if (!/^(binary|multiclass|softmax|ova|ovr|cross_entropy|xentropy)/.test(objective)) {
    throw new ServingError(
      "unimplemented",
      `${name} has the objective ${JSON.stringify(objective.slice(0, 64))}, which gives no classes`,
    );
  }
  const scores = predict.vector ? add(predict.value, { kind: "link", link: { kind: "complement" } }) : predict.value;
  const width = Math.max(2, predict.width);
  const known = labels ?? Array.from({ length: width }, (_, i) => i);
  if (known.length !== width)
    throw new ServingError("data-loss", `${name} has ${known.length} labels where ${width} are expected`);
  const dtype = isBoolean ? "bool" : dtypeOf(known);
  const number = add(scores, { kind: "link", link: { kind: "argmax" } });
  const label = add(number, { kind: "labels", labels: known });
  return {
    answers: new Map([
      ["predict", { value: label, dtype, vector: true, width: 1 }],
      ["predict_proba", { value: scores, dtype: "float64", vector: false, width }],
      ...others,
    ]),
    prediction: { number, scores, labels: known, dtype },
  };
}
