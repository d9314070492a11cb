import { ServingError } from "../../base/serving-error.ts";
import { type Net, type Operator, operatorLabel } from "./net-def.ts";

/** An operator whose blobs are numbered: each number is written once. */
export interface Step {
  readonly file: string;
  readonly operator: Operator;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** Both nets of a model, with every blob a number of its own each time it is written. */
export interface Steps {
  readonly init: readonly Step[];
  readonly predict: readonly Step[];
  /** Numbers of the model's inputs, by name, in the order of the net. */
  readonly inputs: ReadonlyMap<string, number>;
  /** Number of the last thing that a blob holds, by name. */
  readonly last: ReadonlyMap<string, number>;
}

/**
 * Follows the blobs through both nets.
 * @param given names of blobs that are the caller's, although the first net makes them
 * @throws ServingError invalid-argument for what the first net reads before it is there
 */
export function numberBlobs(init: Net, predict: Net, given: ReadonlySet<string>): Steps {
  const last = new Map<string, number>();
  const inputs = new Map<string, number>();
  let next = 0;
  const follow = (net: Net, missing: (name: string, operator: Operator) => number): Step[] => {
    const shared = new Map<string, string>();
    return net.operators.map((operator) => {
      const label = operatorLabel(net.file, operator);
      const numbers = operator.inputs.map((name) => last.get(name) ?? missing(name, operator));
      for (const name of operator.outputs) {
        const other = shared.get(name);
        if (other !== undefined)
          throw new ServingError("unimplemented", `${label} writes to ${JSON.stringify(name)}, which ${other} shares`);
        last.set(name, next++);
      }
      // The two are the same memory: what is written to one later is seen in the other.
      if (operator.type === "Alias") for (const name of [...operator.inputs, ...operator.outputs]) shared.set(name, label);
      return { file: net.file, operator, inputs: numbers, outputs: operator.outputs.map((name) => last.get(name)!) };
    });
  };
  const made = follow(init, (name, operator) => {
    throw new ServingError(
      "invalid-argument",
      `${operatorLabel(init.file, operator)} reads ${JSON.stringify(name)}, which nothing before it makes`,
    );
  });
  const input = (name: string): number => {
    const number = next++;
    inputs.set(name, number);
    last.set(name, number);
    return number;
  };
  for (const name of given) input(name);
  return { init: made, predict: follow(predict, input), inputs, last };
}

/** Which steps the given numbers need. What has nets inside may read and write anything, and what gives nothing is there for what it does. */
export function neededSteps(steps: readonly Step[], numbers: Iterable<number>): ReadonlySet<Step> {
  const wanted = new Set(numbers);
  const needed = new Set<Step>();
  for (const step of [...steps].reverse()) {
    const { args } = step.operator;
    const always = step.outputs.length === 0 || [...args.values()].some(({ nested }) => nested === true);
    if (!always && !step.outputs.some((number) => wanted.has(number))) continue;
    needed.add(step);
    for (const number of step.inputs) wanted.add(number);
  }
  return needed;
}
