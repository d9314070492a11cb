import { ServingError } from "../../../src/base/serving-error.ts";
import { NumpyArray } from "../../../src/codec/pickle/numpy-array.ts";
import { PickleObject, type PickleValue } from "../../../src/codec/pickle/pickle-value.ts";
import { readNpy } from "../../../src/codec/pickle/read-npy.ts";
import { readSkops } from "../../../src/codec/skops/read-skops.ts";
import { isOfModel } from "../../../src/platforms/sklearn/allowed-names.ts";
import { compileModel } from "../../../src/platforms/sklearn/compile-model.ts";
import { type FuzzTarget, kindsOf, type Outcome, refusal } from "../target.ts";

const NEVER = new AbortController().signal;

/** The schema of a skops file, and the model in it: the files that it names are all the one behind the first line end. */
export const skops: FuzzTarget = {
  name: "skops",
  dictionary: [
    '{"__loader__":"',
    '","__module__":"',
    '","__class__":"',
    '","content":',
    ',"__id__":1',
    ',"key_types":',
    "ObjectNode",
    "DictNode",
    "ListNode",
    "JsonNode",
    "NdArrayNode",
    "SparseMatrixNode",
    "TypeNode",
    '"file":"1.npy"',
    '"type":"numpy"',
    '"type":"json"',
    "null",
    "[]",
    "{}",
    "\n\x93NUMPY\x01\0",
    "'descr': ",
    "'<f8'",
    "'shape': (",
  ],
  async run(input): Promise<Outcome> {
    const end = input.indexOf(10);
    const schema = input.toString("utf8", 0, end < 0 ? input.length : end);
    const file = input.subarray(end < 0 ? input.length : end + 1);
    let value: PickleValue;
    try {
      value = readSkops(schema, {
        allows: isOfModel,
        file: () => file,
        sparse: () =>
          new Map([
            ["data.npy", file],
            ["shape.npy", file],
          ]),
      });
    } catch (reason) {
      return refusal(reason);
    }
    return { accepted: true, shape: kindsOf([kindOf(value), await compiled(value, input.length)]) };
  },
};

/** The files of numpy's arrays: what is read has as many values as it says. */
export const npy: FuzzTarget = {
  name: "npy",
  dictionary: [
    "\x93NUMPY",
    "{'descr': ",
    "'<f8'",
    "'|O'",
    "'<U4'",
    "[('a', '<i4')]",
    ", 'fortran_order': False",
    "True",
    ", 'shape': (",
    ")",
    "}",
    "L",
    "'",
  ],
  run(input): Outcome {
    try {
      const array = NumpyArray.of(readNpy(input));
      if (array === undefined) throw new Error("an array's file is no array");
      const { length } = array.values();
      if (length !== array.count) throw new Error(`${length} values of an array of ${array.count}`);
      return { accepted: true, shape: `${array.shape.length} dimensions` };
    } catch (reason) {
      return refusal(reason);
    }
  },
};

async function compiled(value: PickleValue, bytes: number): Promise<string> {
  try {
    const { inputs } = await compileModel(value, bytes, NEVER);
    return `takes ${inputs[0].type}`;
  } catch (reason) {
    if (!(reason instanceof ServingError)) throw reason;
    return refusal(reason).shape;
  }
}

function kindOf(value: PickleValue): string {
  return value instanceof PickleObject ? "object" : typeof value;
}
