import { encodeModel } from "../../../src/graph/encode-model.ts";
import type { GraphBuilder } from "../../../src/graph/graph-builder.ts";
import { importNets } from "../../../src/platforms/caffe2/import-nets.ts";
import type { Net } from "../../../src/platforms/caffe2/net-def.ts";
import { readNet } from "../../../src/platforms/caffe2/read-net.ts";
import { readNetText } from "../../../src/platforms/caffe2/read-net-text.ts";
import { type FuzzTarget, type Outcome, refusal } from "../target.ts";

const FILE = "predict_net.pb";
const NEVER = new AbortController().signal;
const NO_PARAMETERS: Net = { file: "init_net.pb", operators: [], externalInputs: [], externalOutputs: [] };

/** What became of a net that makes its own parameters: its operators that are translated, or why it is refused. */
async function translated(net: Net): Promise<Outcome> {
  let graph: GraphBuilder;
  try {
    graph = await importNets(NO_PARAMETERS, net, new Map(), NEVER);
  } catch (reason) {
    if (!(reason as Error).message.startsWith(FILE)) throw new Error("a refusal does not name the file", { cause: reason });
    return { ...refusal(reason), accepted: true };
  }
  try {
    encodeModel(graph);
    const operators = new Set(graph.outputs.map(({ value }) => value.node?.operator));
    return { accepted: true, shape: `${Math.min(graph.inputs.length, 3)} ${[...operators].slice(0, 3).join(" ")}` };
  } catch (reason) {
    return { ...refusal(reason), accepted: true };
  }
}

/** The reader of Caffe2's nets, and the translation of what it read: either ends in a graph or an error that names the file. */
export const caffe2Net: FuzzTarget = {
  name: "caffe2-net",
  dictionary: [
    ...[
      "0a0178",
      "120179",
      "22044e6f6e65",
      "2a00",
      "1a00",
      "2d0000803f",
      "2a040000803f",
      "3001",
      "3201ff",
      "3a0178",
      "420178",
    ].map((hex) => Buffer.from(hex, "hex")),
    ..."Conv FC Relu Reshape Slice Split Concat ConstantFill GivenTensorFill Softmax Gather MatMul Tile Squeeze TopK".split(" "),
    ..."shape values axis kernel kernels stride pads order NHWC broadcast starts ends dims axes group".split(" "),
  ],
  longest: 600,
  async run(input): Promise<Outcome> {
    let net: Net;
    try {
      net = await readNet(input, FILE, NEVER);
    } catch (reason) {
      const outcome = refusal(reason);
      if (!(reason as Error).message.startsWith(FILE)) throw new Error("a refusal does not name the file", { cause: reason });
      return outcome;
    }
    return await translated(net);
  },
};

/** The reader of nets in text form. */
export const caffe2NetText: FuzzTarget = {
  name: "caffe2-net-text",
  dictionary: [
    "op {",
    "}",
    "type: 'Relu'",
    "input: 'x'",
    "output: 'y'",
    "arg {",
    "name: 'shape'",
    "ints: ",
    "floats: [",
    "]",
    "f: -inf",
    "n {",
    "<",
    ">",
    "s: '\\377'",
    "[a.b/c] {",
  ],
  longest: 600,
  async run(input): Promise<Outcome> {
    let net: Net;
    try {
      net = await readNetText(input.toString(), FILE, NEVER);
    } catch (reason) {
      const outcome = refusal(reason);
      if (!(reason as Error).message.startsWith(FILE)) throw new Error("a refusal does not name the file", { cause: reason });
      return outcome;
    }
    return await translated(net);
  },
};
