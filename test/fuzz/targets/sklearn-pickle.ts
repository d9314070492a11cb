import { inlineArray, NumpyArray } from "../../../src/codec/pickle/numpy-array.ts";
import { PickleName, PickleObject, type PickleValue } from "../../../src/codec/pickle/pickle-value.ts";
import { readPickle } from "../../../src/codec/pickle/read-pickle.ts";
import { isOfModel } from "../../../src/platforms/sklearn/allowed-names.ts";
import { compileModel } from "../../../src/platforms/sklearn/compile-model.ts";
import { TabularServable } from "../../../src/runtimes/tabular/tabular-servable.ts";
import type { Tensor } from "../../../src/tensor/tensor.ts";
import { type FuzzTarget, kindsOf, type Outcome, refusal } from "../target.ts";

/** More columns than models of this length have; a row of more is not made. */
const MOST_COLUMNS = 1000;

const DICTIONARY = [
  "(",
  ".",
  ")",
  "]",
  "}",
  "t",
  "l",
  "d",
  "R",
  "b",
  "\x81",
  "\x93",
  "0",
  "2",
  "h\x00",
  "q\x00",
  "\x94",
  "u",
  "s",
  "a",
  "e",
  "N",
  "K\x01",
  "K\x00",
  "\x8a\x00",
  "I1\n",
  "S''\n",
  "cos\nsystem\n",
  "cnumpy\ndtype\n",
  "cnumpy.core.multiarray\nscalar\n",
  "coef_",
  "tree_",
  "nodes",
  "classes_",
  "n_features_in_",
  "f8",
  "V64",
  "O8",
  "U1",
  ">",
];
const NEVER = new AbortController().signal;

/** The reader of pickles, the arrays in them, and models of scikit-learn: what is read of them has an answer. */
export const sklearnPickle: FuzzTarget = {
  name: "sklearn-pickle",
  dictionary: DICTIONARY.map((text) => Buffer.from(text, "latin1")),
  async run(input): Promise<Outcome> {
    let value: PickleValue;
    try {
      value = readPickle(input, { allows: isOfModel, inline: inlineArray, mostBytes: 1 << 22 });
    } catch (reason) {
      return refusal(reason);
    }
    const kinds = [...arraysIn(value), await answerOf(value, input.length)];
    return { accepted: true, shape: kindsOf(kinds) };
  },
};

/** What became of the arrays in a value. */
function arraysIn(value: PickleValue): string[] {
  const kinds: string[] = [];
  const seen = new Set<PickleValue>();
  const waiting: PickleValue[] = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next !== "object" || next === null || seen.has(next)) continue;
    seen.add(next);
    if (Array.isArray(next) || next instanceof Set) waiting.push(...next);
    else if (next instanceof Map) waiting.push(...next.keys(), ...next.values());
    else if (next instanceof PickleObject) {
      waiting.push(next.args, next.state, ...next.items, ...next.entries.values(), next.inline);
      if (next.type instanceof PickleName && !isOfModel(next.type)) throw new Error("a name got in that is not allowed");
      kinds.push(...arrayKinds(next));
    }
  }
  return kinds;
}

function arrayKinds(object: PickleObject): string[] {
  return [(array: NumpyArray) => array.numbers(), (array: NumpyArray) => array.values()].map((read) => {
    try {
      const array = NumpyArray.of(object);
      if (array === undefined) return "object";
      const { length } = read(array);
      if (length !== array.count) throw new Error(`${length} values of an array of ${array.count}`);
      return "array";
    } catch (reason) {
      return refusal(reason).shape;
    }
  });
}

/** What became of the model that a value is, and of a row that it was asked. */
async function answerOf(value: PickleValue, bytes: number): Promise<string> {
  try {
    const program = await compileModel(value, bytes, NEVER);
    const { columns } = program.inputs[0];
    if (columns > MOST_COLUMNS) return "wide";
    const servable = new TabularServable(program);
    const row: Tensor = { dtype: "float64", shape: [1, columns], data: Float64Array.from({ length: columns }, (_, i) => i) };
    for (const [name, { outputs }] of program.signatures) {
      const aliases = outputs.map(({ alias }) => alias);
      for (const tensor of (await servable.run(name, new Map([["X", row]]), aliases)).values()) {
        if (tensor.data.length < 1) throw new Error(`${name} has no answer`);
      }
    }
    return `answers ${program.signatures.size}`;
  } catch (reason) {
    return refusal(reason).shape;
  }
}
