import { readModel } from "../../../src/platforms/catboost/read-model.ts";
import type { FuzzTarget, Outcome } from "../target.ts";
import { answeredProgram } from "./tabular-program.ts";

const NEVER = new AbortController().signal;

/** The reader of CatBoost's binary form: what is read has an answer. */
export const catboostBinary: FuzzTarget = {
  name: "catboost-binary",
  dictionary: [
    "CBM1",
    "FlabuffersModel_v1",
    "static_provider_v1",
    "\0\0\0\0",
    "\x01\0\0\0",
    "\xff\xff\xff\xff",
    "\x04\0",
    "\x08\0",
  ].map((text) => Buffer.from(text, "latin1")),
  run: (input): Promise<Outcome> => answeredProgram(() => readModel(Buffer.from(input), "model.cbm", NEVER)),
};

/** The reader of CatBoost's documents: what is read has an answer. */
export const catboostDocument: FuzzTarget = {
  name: "catboost-document",
  dictionary: [
    '{"',
    '":',
    "[",
    "]",
    "}",
    ",",
    "0",
    "-1",
    "1e9",
    "null",
    "split_index",
    "leaf_values",
    "hash_map",
    "borders",
    "elements",
    "values",
  ].map((text) => Buffer.from(text, "latin1")),
  run: (input): Promise<Outcome> => answeredProgram(() => readModel(Buffer.from(input), "model.json", NEVER)),
};
