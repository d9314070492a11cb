import type { TensorInfo } from "./signature.ts";

/** The inputs without those that are columns of others: what metadata shows, and what a list of values is in the order of. */
export function ownInputs(inputs: readonly TensorInfo[]): readonly TensorInfo[] {
  return inputs.some(isColumn) ? inputs.filter((input) => !isColumn(input)) : inputs;
}

/** The inputs that an example of a request gives: those that may not be left out, and those that could only be for their columns. */
export function neededInputs(inputs: readonly TensorInfo[]): readonly TensorInfo[] {
  const ofColumns = new Set(inputs.flatMap(({ columnOf }) => columnOf ?? []));
  return inputs.filter((input) => !isColumn(input) && (input.optional !== true || ofColumns.has(input.alias)));
}

/** {@link ownInputs} as people are shown them: optional are those that a request may leave out without naming columns instead. */
export function shownInputs(inputs: readonly TensorInfo[]): readonly TensorInfo[] {
  const own = ownInputs(inputs);
  if (own === inputs) return inputs;
  const needed = new Set(neededInputs(inputs));
  return own.map((input) => (needed.has(input) && input.optional === true ? { ...input, optional: false } : input));
}

function isColumn({ columnOf }: TensorInfo): boolean {
  return columnOf !== undefined;
}
