import { encodeModel } from "../../../src/graph/encode-model.ts";
import { ExportedPart } from "../../../src/platforms/pytorch/exported-part.ts";
import { readExportedProgram } from "../../../src/platforms/pytorch/exported-program.ts";
import { importProgram } from "../../../src/platforms/pytorch/import-program.ts";
import { parseProgramJson } from "../../../src/platforms/pytorch/program-json.ts";
import { type FuzzTarget, type Outcome, refusal } from "../target.ts";

const NEVER = new AbortController().signal;
const WEIGHT = { dtype: "float32", shape: [3], data: Float32Array.of(1, 2, 3) } as const;
const OPERATIONS =
  "relu add view cat split index conv2d layer_norm select slice expand permute softmax mean fill_ copy_ lstm where pad";
const KINDS =
  "as_tensor as_tensors as_int as_ints as_sym_int as_sym_ints as_float as_none as_bool as_string as_optional_tensors as_expr as_graph";

/** The reader of exported programs, and their translation: either ends in a graph or a refusal. */
export const pt2Program: FuzzTarget = {
  name: "pt2-program",
  dictionary: [
    ...OPERATIONS.split(" ").map((name) => `torch.ops.aten.${name}.default`),
    ...KINDS.split(" ").map((kind) => `"${kind}":`),
    "9223372036854775807",
    "-1",
    "1e999",
    "[]",
    "{}",
    "null",
    "NaN",
    '"self"',
    '"dim"',
    '"user_input"',
    '"buffer"',
  ],
  longest: 4000,
  async run(input): Promise<Outcome> {
    try {
      const program = await readExportedProgram(
        new ExportedPart(parseProgramJson(Buffer.from(input).toString(), "model.json"), "model.json"),
        NEVER,
      );
      const graph = await importProgram(program, () => WEIGHT, NEVER);
      encodeModel(graph);
      return { accepted: true, shape: `${Math.min(graph.inputs.length, 3)} ${Math.min(graph.outputs.length, 3)}` };
    } catch (reason) {
      return refusal(reason);
    }
  },
};
