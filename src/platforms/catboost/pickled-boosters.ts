import { ServingError } from "../../base/serving-error.ts";
import { pickleBytes } from "../../codec/pickle/pickle-bytes.ts";
import type { PickleObject } from "../../codec/pickle/pickle-value.ts";
import type { TabularProgram } from "../../model/tabular/tabular-program.ts";
import { DEFAULT_SIGNATURE } from "../../tensor/signature.ts";
import { boosterState } from "../booster-state.ts";
import type { BoosterAnswer, CompiledBooster, PickledBooster, PickledBoosters } from "../pickled-booster.ts";
import { compileModel } from "./compile-model.ts";
import { modelColumns, modelOf, readModel } from "./read-model.ts";

const PLAIN = "catboost.core.CatBoost";
const CLASS = /^catboost\.core\.CatBoost(Classifier|Regressor|Ranker)?$/;

/** Models of CatBoost, as its classes are pickled. */
export const pickledCatboost: PickledBoosters = {
  allows: ({ full }) => /^_?catboost(\.\w+)+$/.test(full),
  knows: ({ type }) => CLASS.test(type.full),

  read(object): Promise<PickledBooster> {
    const name = object.type.full;
    const model = modelOf(bytesOf(object), name);
    const { count, names } = modelColumns(model, name);
    return Promise.resolve({
      name,
      columns: count,
      ...(names !== undefined && { columnNames: names }),
      async compile(rows, add, signal): Promise<CompiledBooster> {
        if (model.categories.length > 0) {
          throw new ServingError("unimplemented", `${name} takes categories, which are not covered within other estimators`);
        }
        if (rows.columns !== count) {
          throw new ServingError("data-loss", `${name} takes ${count} columns where ${rows.columns} are given`);
        }
        const numbers = add(rows.value, { kind: "link", link: { kind: "round-to-float32" } });
        const columns = {
          numbers: new Map(model.numbers.map(({ index, place }) => [index, place])),
          categories: new Map<number, number>(),
        };
        return asEstimator(name, await compileModel(model, columns, { numbers, hashes: undefined }, add, name, signal));
      },
    });
  },
};

/** Makes a program of an object of CatBoost's that is a pickle: that of the file which is in it. @param bytes size of the pickle's file */
export async function pickledProgram(object: PickleObject, bytes: number, signal: AbortSignal): Promise<TabularProgram> {
  const program = { ...(await readModel(bytesOf(object), object.type.full, signal)), bytes };
  if (object.type.full !== PLAIN) return program;
  // What is no estimator's predicts sums.
  const { signatures, outputs } = program;
  return {
    ...program,
    signatures: new Map(signatures).set(DEFAULT_SIGNATURE, signatures.get("RawFormulaVal")!),
    outputs: new Map(outputs).set(DEFAULT_SIGNATURE, outputs.get("RawFormulaVal")!),
  };
}

/** The bytes that `save_model` writes, which its classes keep. */
function bytesOf(object: PickleObject): Buffer {
  const bytes = pickleBytes(boosterState(object).get("__model"));
  if (bytes === undefined) throw new ServingError("data-loss", `${object.type.full} has no model (is it fitted?)`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Prediction types under the names of methods that scikit-learn's estimators have. The first is what `predict` gives. */
function asEstimator(name: string, compiled: CompiledBooster): CompiledBooster {
  const { answers } = compiled;
  const [predict] = answers.values();
  const isPlain = name === PLAIN;
  const methods: [string, BoosterAnswer | undefined][] = [
    ["predict", isPlain ? answers.get("RawFormulaVal") : predict],
    ["predict_proba", isPlain ? undefined : answers.get("Probability")],
    ["predict_log_proba", isPlain ? undefined : answers.get("LogProbability")],
  ];
  const given = methods.filter((method): method is [string, BoosterAnswer] => method[1] !== undefined);
  return { ...compiled, answers: new Map(given) };
}
