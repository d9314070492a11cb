import type { Net, Operator } from "./net-def.ts";
import type { DeclaredInput } from "./value-info.ts";

/**
 * Names of blobs that the first net makes and the caller gives all the same: exporters put something into every input, so that the
 * blob exists. Told by `value_info.json`, by the form that Caffe2's mobile_exporter writes, or, where nothing else is an input, by being what
 * the first operator works on.
 */
export function givenBlobs(init: Net, predict: Net, declared: ReadonlyMap<string, DeclaredInput>): ReadonlySet<string> {
  const made = new Map(init.operators.flatMap((operator) => operator.outputs.map((name) => [name, operator] as const)));
  const read = firstReads(predict);
  const given = new Set([...declared.keys()].filter((name) => read.has(name) && made.has(name)));
  for (const name of dummies(init, predict)) given.add(name);
  const hasOthers = [...read].some((name) => !made.has(name));
  const first = predict.operators.find(({ inputs }) => inputs.length > 0)?.inputs[0];
  if (given.size === 0 && !hasOthers && first !== undefined && isConstantFill(made.get(first))) given.add(first);
  return given;
}

/** What a net reads that it has not written before. */
function firstReads({ operators }: Net): ReadonlySet<string> {
  const written = new Set<string>();
  const read = new Set<string>();
  for (const { inputs, outputs } of operators) {
    for (const name of inputs) if (!written.has(name)) read.add(name);
    for (const name of outputs) written.add(name);
  }
  return read;
}

/** mobile_exporter fills [[0]] into each input, behind all parameters, and lists the inputs first in the same order. */
function dummies(init: Net, { externalInputs }: Net): readonly string[] {
  const last = init.operators.findLastIndex((operator) => !isDummy(operator)) + 1;
  const names = init.operators.slice(last).map(({ outputs }) => outputs[0]!);
  // A parameter may look the same: the longest end of the list that the net's inputs begin with is taken.
  for (let from = 0; from < names.length; from++) {
    const rest = names.slice(from);
    if (rest.every((name, i) => externalInputs[i] === name)) return rest;
  }
  return [];
}

function isDummy({ type, inputs, args, outputs }: Operator): boolean {
  const [shape, values] = [args.get("shape")?.integers, args.get("values")?.floats];
  return (
    type === "GivenTensorFill" && inputs.length === 0 && outputs.length === 1 && shape?.join() === "1,1" && values?.join() === "0"
  );
}

function isConstantFill(operator: Operator | undefined): boolean {
  const { float = 0, integer = 0n } = operator?.args.get("value") ?? {};
  return operator?.type === "ConstantFill" && operator.inputs.length === 0 && float === 0 && integer === 0n;
}
