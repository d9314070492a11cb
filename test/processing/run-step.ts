import { parseProcessing } from "../../src/config/processing-document.ts";
import type { VocabularySource } from "../../src/model/processing.ts";
import { planSteps, runSteps, type StepList } from "../../src/processing/step-list.ts";
import type { ValueInfo } from "../../src/processing/value-info.ts";
import { makeVocabulary } from "../../src/processing/vocabulary.ts";
import { packStrings } from "../../src/tensor/string-array.ts";
import type { NamedTensors, Tensor } from "../../src/tensor/tensor.ts";

/** The plan of one step, as it would stand in a file, for tensors that are declared so. */
export function planOne(step: unknown, start: ReadonlyMap<string, ValueInfo>): StepList {
  const { signatures } = parseProcessing(JSON.stringify({ preprocess: [step] }), "test.json");
  const vocabulary = (source: VocabularySource) => {
    if (typeof source === "string") throw new Error("vocabularies of tests are written out");
    return makeVocabulary("the vocabulary", packStrings(source));
  };
  const { preprocess } = signatures.get("serving_default")!;
  return planSteps(preprocess, start, { side: "preprocess", vocabulary, target: () => undefined });
}

/** What a tensor with a free number of rows would be declared as. */
export function declaredAs({ dtype, shape }: Tensor): ValueInfo {
  return { dtype, shape: shape.length === 0 ? [] : [-1, ...shape.slice(1)] };
}

/** Runs one step on some tensors; what is there afterwards. Throws when it says otherwise of the results than they are. */
export async function runOne(step: unknown, tensors: NamedTensors): Promise<NamedTensors> {
  const start = new Map([...tensors].map(([alias, tensor]) => [alias, declaredAs(tensor)]));
  const { steps, end } = planOne(step, start);
  const there = new Map(tensors);
  await runSteps(steps, there, { rows: [...tensors.values()][0]?.shape[0] ?? 1, run: undefined });
  if ([...there.keys()].join() !== [...end.keys()].join()) throw new Error(`declares ${[...end.keys()].join()}`);
  for (const [alias, { dtype, shape }] of end) {
    const made = there.get(alias)!;
    const declared = (shape ?? made.shape).map((size, axis) => (size < 0 ? made.shape[axis] : size));
    if (made.dtype !== dtype || made.shape.join() !== declared.join()) {
      throw new Error(`declares ${dtype} [${shape?.join()}] for "${alias}", which is ${made.dtype} [${made.shape.join()}]`);
    }
  }
  return there;
}
