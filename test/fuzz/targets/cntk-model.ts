import type { FileHandle } from "node:fs/promises";
import { encodeModel } from "../../../src/graph/encode-model.ts";
import { type ReadModel, readModel } from "../../../src/platforms/cntk/read-model.ts";
import { translateNetwork } from "../../../src/platforms/cntk/translate-network.ts";
import { type FuzzTarget, type Outcome, refusal } from "../target.ts";

const NEVER = new AbortController().signal;

/** A file in memory, as far as the reader asks for one. */
function opened(bytes: Uint8Array): FileHandle {
  const read = (into: Buffer, offset: number, length: number, position: number) => {
    const part = bytes.subarray(position, position + length);
    into.set(part, offset);
    return Promise.resolve({ bytesRead: part.length, buffer: into });
  };
  return { stat: () => Promise.resolve({ size: bytes.length }), read } as unknown as FileHandle;
}

/** The reader of CNTK's models, and the translation of what it read: either ends in a graph or a refusal. */
export const cntkModel: FuzzTarget = {
  name: "cntk-model",
  dictionary: [
    ...[
      "0801",
      "1a02080a",
      "6b746e63",
      "420043004e000000",
      "0a0475696430",
      "ffffffffffffffffff01",
      "10061a03312e30",
      "5a020802",
    ].map((hex) => Buffer.from(hex, "hex")),
    ..."newShape strides poolingWindowShape reductionOpName outputRank beginIndex axisVec offset defaultBatchAxis".split(" "),
    // Functions by CNTK's numbers of them.
    ...Array.from({ length: 97 }, (_, number) => Buffer.of(0x10, 0x03, 0x28, number)),
    ..."CompositeFunction primitive_functions root inputs outputs uid op attributes kind shape value Block PastValue".split(" "),
  ],
  longest: 1500,
  async run(input): Promise<Outcome> {
    let model: ReadModel;
    try {
      model = await readModel(opened(input), NEVER);
    } catch (reason) {
      return refusal(reason);
    }
    for (const [uid, values] of model.values) {
      if (!model.network.variables.has(uid)) throw new Error("values of a variable that is not there");
      if (values.length > input.length) throw new Error("more values than bytes for them");
    }
    try {
      const graph = await translateNetwork(model, NEVER);
      encodeModel(graph);
      return { accepted: true, shape: `${Math.min(graph.inputs.length, 3)} ${Math.min(graph.outputs.length, 3)}` };
    } catch (reason) {
      return { ...refusal(reason), accepted: true };
    }
  },
};
