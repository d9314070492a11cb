import type { TabularInput, TabularProgram } from "../../../src/model/tabular/tabular-program.ts";
import { TabularServable } from "../../../src/runtimes/tabular/tabular-servable.ts";
import { stringTensor, type Tensor } from "../../../src/tensor/tensor.ts";
import { kindsOf, type Outcome, refusal } from "../target.ts";

/** More columns than models of this length have; a row of more is not made. */
const MOST_COLUMNS = 1000;

/** What became of a model: refused, or a program of which all signatures are asked. @throws Error for a signature without an answer */
export async function answeredProgram(read: () => Promise<TabularProgram>): Promise<Outcome> {
  let program: TabularProgram;
  try {
    program = await read();
  } catch (reason) {
    return refusal(reason);
  }
  const { inputs, signatures } = program;
  if (inputs.reduce((sum, { columns }) => sum + columns, 0) > MOST_COLUMNS) return { accepted: true, shape: kindsOf(["wide"]) };
  const servable = new TabularServable(program);
  const given = new Map(inputs.map((input) => [input.alias, tensorOf(input)] as const));
  const kinds = program.operations.map(({ kind }) => kind);
  for (const [name, { outputs }] of signatures) {
    try {
      const aliases = outputs.map(({ alias }) => alias);
      for (const tensor of (await servable.run(name, given, aliases)).values()) {
        if (tensor.data.length < 1) throw new Error(`${name} has no answer`);
      }
    } catch (reason) {
      kinds.push(refusal(reason).shape as never);
    }
  }
  return { accepted: true, shape: kindsOf([...new Set(kinds)]) };
}

function tensorOf({ type, columns, vector }: TabularInput): Tensor {
  const shape = vector ? [1] : [1, columns];
  if (type === "texts") return stringTensor(shape, Array<string>(columns).fill("Oslo"));
  return { dtype: "float64", shape, data: Float64Array.from({ length: columns }, (_, i) => i / 2) };
}
