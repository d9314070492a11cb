import { inlineArray } from "../../../src/codec/pickle/numpy-array.ts";
import { PickleObject } from "../../../src/codec/pickle/pickle-value.ts";
import { readPickle } from "../../../src/codec/pickle/read-pickle.ts";
import { catboostPickles } from "../../../src/platforms/catboost/pickled-platform.ts";
import { lightgbmPickles } from "../../../src/platforms/lightgbm/pickled-platform.ts";
import { boostersOf } from "../../../src/platforms/pickled-booster-platform.ts";
import { xgboostPickles } from "../../../src/platforms/xgboost/pickled-platform.ts";
import { type FuzzTarget, type Outcome, refusal } from "../target.ts";
import { answeredProgram } from "./tabular-program.ts";

const NEVER = new AbortController().signal;
const BOOSTERS = boostersOf([xgboostPickles, lightgbmPickles, catboostPickles]);

/** The readers of pickled boosters: what is read has an answer. */
export const pickledBoosters: FuzzTarget = {
  name: "pickled-boosters",
  dictionary: [
    "(",
    ".",
    "}",
    "R",
    "b",
    "\x81",
    "\x93",
    "N",
    "K\x01",
    "s",
    "u",
    "cos\nsystem\n",
    "_Booster",
    "handle",
    "_handle",
    "__model",
    "classes_",
    "best_iteration",
  ].map((text) => Buffer.from(text, "latin1")),
  async run(input): Promise<Outcome> {
    try {
      const value = readPickle(input, { allows: BOOSTERS.allows, inline: inlineArray, mostBytes: 1 << 22 });
      if (!(value instanceof PickleObject) || !BOOSTERS.knows(value)) return { accepted: true, shape: "nothing" };
      return await answeredProgram(() => BOOSTERS.program(value, input.length, NEVER));
    } catch (reason) {
      return refusal(reason);
    }
  },
};
