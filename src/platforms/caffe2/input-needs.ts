import type { GraphValue } from "../../graph/graph-value.ts";
import { Arguments } from "./arguments.ts";
import type { Step } from "./blobs.ts";
import { type InputNeed, inPlace } from "./call.ts";
import { operatorLabel } from "./net-def.ts";
import { OPERATORS } from "./operators.ts";

/**
 * What blobs have to be for the operators that read them, as far as those say: a net does not tell the types and shapes of its inputs.
 * Found from the last operator to the first, since most keep what they get.
 * @param known values of blobs that the first net makes
 */
export function inputNeeds(steps: readonly Step[], known: ReadonlyMap<number, GraphValue>): ReadonlyMap<number, InputNeed> {
  const needs = new Map<number, InputNeed>();
  const need = (blob: number | undefined, more: InputNeed | undefined) => {
    if (blob !== undefined && more !== undefined) needs.set(blob, both(needs.get(blob), more));
  };
  for (const { file, operator, inputs, outputs } of [...steps].reverse()) {
    const rule = OPERATORS.get(operator.type)?.inputs;
    if (rule === "keeps") {
      const kept = needs.get(outputs[0] ?? -1);
      const dtype = kept?.dtype ?? inputs.map((blob) => known.get(blob)?.dtype).find((each) => each !== undefined);
      need(inputs[0], kept);
      if (dtype !== undefined) for (const blob of inputs) need(blob, { dtype });
    } else if (rule !== undefined) {
      const values = inputs.map((blob) => known.get(blob));
      const found = inPlace(operatorLabel(file, operator), () => rule(new Arguments(operator), values));
      for (const [i, more] of found.entries()) need(inputs[i], more);
    }
  }
  return needs;
}

/** What two operators need of one blob. One that takes fewer dimensions flattens what it gets. */
function both(one: InputNeed | undefined, other: InputNeed): InputNeed {
  const dtype = one?.dtype ?? other.dtype;
  const [a, b] = [one?.shape, other.shape];
  const shape =
    a === undefined || b === undefined || a.length !== b.length
      ? (a?.length ?? 0) >= (b?.length ?? 0)
        ? a
        : b
      : a.map((size, i) => size ?? b[i]);
  return { ...(dtype !== undefined && { dtype }), ...(shape !== undefined && { shape }) };
}
