import { throwIfAborted } from "../../base/abort.ts";
import type { TabularClasses, TabularInput, TabularOperation, TabularProgram } from "../../model/tabular/tabular-program.ts";
import { tabularSignatures } from "../../model/tabular/tabular-signatures.ts";
import type { AddStep } from "../pickled-booster.ts";
import type { Booster } from "./booster.ts";
import { addBooster, type BoosterSteps, columnNames } from "./booster-steps.ts";
import { readBooster } from "./read-booster.ts";

const ALIAS = "X";
/** What the value is called that programs begin with. */
const INPUT = "input";

/**
 * Makes a program of a model's file, whichever form it has.
 * @param file what errors call the file
 * @throws ServingError data-loss for a damaged file, unimplemented for what is not known here; each names the file
 */
export async function readModel(bytes: Buffer, file: string, signal: AbortSignal): Promise<TabularProgram> {
  const booster = readBooster(bytes, file);
  throwIfAborted(signal);
  const operations: TabularOperation[] = [];
  const add: AddStep = (from, step) => {
    const to = `${step.kind}-${operations.length}`;
    operations.push({ ...step, from, to } as TabularOperation);
    return to;
  };
  const names = columnNames(booster, file);
  const steps = await addBooster(booster, { from: INPUT, add, file, signal });
  const inputs: readonly TabularInput[] = [
    {
      alias: ALIAS,
      value: INPUT,
      type: "float32",
      columns: booster.columns,
      vector: false,
      ...(names !== undefined && { columnNames: names }),
    },
  ];
  return {
    runtime: "tabular",
    inputs,
    operations,
    ...tabularSignatures(
      inputs,
      new Map(Array.from(steps.answers, ([method, answer]) => [method, [{ ...answer, alias: method }]])),
    ),
    ...classesOrRegression(booster, steps, add),
    bytes: bytes.length,
  };
}

/** What classify or regress calls answer, which may need a step more. */
function classesOrRegression(
  { objective }: Booster,
  { groups, predict, isProbability, answers, margin }: BoosterSteps,
  add: AddStep,
): { readonly classes?: TabularClasses; readonly regression?: string } {
  const labels = Array.from({ length: Math.max(2, groups) }, (_, i) => i);
  if (objective === "multi:softmax")
    return { classes: { scores: add(margin, { kind: "link", link: { kind: "softmax" } }), labels } };
  if (objective === "multi:softprob") return { classes: { scores: predict, labels } };
  if (objective === "binary:logistic" && isProbability && groups === 1) {
    return { classes: { scores: add(predict, { kind: "link", link: { kind: "complement" } }), labels } };
  }
  return answers.get("predict")!.vector ? { regression: predict } : {};
}
