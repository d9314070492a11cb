import { ServingError } from "../base/serving-error.ts";
import type { ProcessingStep } from "../model/processing.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { planStep } from "./plan-step.ts";
import type { NamedInfo, StepContext, StepPlan, StepScope } from "./step.ts";
import type { ValueInfo } from "./value-info.ts";

/** Most tensors that a message lists. */
const MOST_LISTED = 10;

/** A step of a list, and what messages call it. */
export interface ListedStep extends StepPlan {
  /** `preprocess step 2 (cast)`. */
  readonly title: string;
}

/** Steps that were checked one after the other, each against what those before it leave. */
export interface StepList {
  readonly steps: readonly ListedStep[];
  /** What is there after the last step, in the order that it came to be. */
  readonly end: ReadonlyMap<string, ValueInfo>;
}

/** What a list of steps is planned for. */
export interface StepListScope extends Pick<StepScope, "vocabulary" | "target"> {
  readonly side: "preprocess" | "postprocess";
  /** Why a tensor that is there may not be read; undefined for one that may. */
  readonly unreadable?: (alias: string) => string | undefined;
}

/**
 * Plans a list of steps.
 * @throws ServingError that begins with the step's title, with the codes of the steps.
 */
export function planSteps(
  steps: readonly ProcessingStep[],
  start: ReadonlyMap<string, ValueInfo>,
  { side, unreadable, vocabulary, target }: StepListScope,
): StepList {
  const there = new Map(start);
  const planned = steps.map((step, index): ListedStep => {
    const title = `${side} step ${index + 1} (${step.kind})`;
    const read = (alias: string | undefined): NamedInfo => {
      const found = alias ?? onlyOne(there);
      const info = there.get(found);
      if (info === undefined) throw invalid(`there is no tensor "${found}" before it (there are: ${listed(there.keys())})`);
      const why = unreadable?.(found);
      if (why !== undefined) throw invalid(why);
      const { dtype, shape, dimensionNames } = info;
      return { alias: found, dtype, shape, ...(dimensionNames && { dimensionNames }) };
    };
    const plan = titled(title, () => planStep(step, { read, vocabulary, target }));
    if (plan.removes !== undefined) there.delete(plan.removes);
    for (const [alias, { dtype, shape, dimensionNames }] of plan.makes) {
      there.set(alias, { dtype, shape, ...(dimensionNames && { dimensionNames }) });
    }
    return { ...plan, title };
  });
  return { steps: planned, end: there };
}

function onlyOne(there: ReadonlyMap<string, ValueInfo>): string {
  const [only, ...more] = there.keys();
  if (only !== undefined && more.length === 0) return only;
  throw invalid(`input is missing: there are several tensors before it (${listed(there.keys())})`);
}

/** Names for a message. */
export function listed(aliases: Iterable<string>): string {
  const all = [...aliases];
  const shown = all.slice(0, MOST_LISTED).map((alias) => alias.slice(0, 100));
  return (all.length > MOST_LISTED ? [...shown, "..."] : shown).join(", ") || "none";
}

/**
 * The steps, in their order, that are needed for some tensors, and what they need to begin with: a step whose results nobody wants is
 * not run.
 */
export function stepsFor(
  steps: readonly ListedStep[],
  wanted: Iterable<string>,
): { readonly steps: readonly ListedStep[]; readonly start: ReadonlySet<string> } {
  const needed = new Set(wanted);
  const kept: ListedStep[] = [];
  for (const step of steps.toReversed()) {
    if (!step.makes.some(([alias]) => needed.has(alias))) continue;
    kept.push(step);
    for (const [alias] of step.makes) needed.delete(alias);
    for (const alias of step.reads) needed.add(alias);
  }
  return { steps: kept.reverse(), start: needed };
}

/**
 * Runs steps on tensors, which are changed in place: synchronously unless a step takes its time.
 * @throws ServingError that begins with the step's title and what it read, thrown or rejected.
 */
export function runSteps(
  steps: readonly ListedStep[],
  tensors: Map<string, Tensor>,
  context: StepContext,
  from = 0,
): undefined | Promise<void> {
  for (let index = from; index < steps.length; index++) {
    const step = steps[index]!;
    let made: readonly Tensor[] | Promise<readonly Tensor[]>;
    try {
      made = step.run(readBy(step, tensors), context);
    } catch (reason) {
      throw failed(step, reason);
    }
    if (made instanceof Promise) {
      return made.then(
        (ready) => {
          put(step, ready, tensors);
          return runSteps(steps, tensors, context, index + 1);
        },
        (reason: unknown) => {
          throw failed(step, reason);
        },
      );
    }
    put(step, made, tensors);
  }
  return undefined;
}

function readBy({ reads }: ListedStep, tensors: ReadonlyMap<string, Tensor>): readonly Tensor[] {
  const [first] = reads;
  return reads.length === 1 ? [tensors.get(first!)!] : reads.map((alias) => tensors.get(alias)!);
}

function put({ removes, makes }: ListedStep, made: readonly Tensor[], tensors: Map<string, Tensor>): void {
  if (removes !== undefined) tensors.delete(removes);
  for (let i = 0; i < makes.length; i++) tensors.set(makes[i]![0], made[i]!);
}

function failed({ title, reads }: ListedStep, reason: unknown): unknown {
  if (!(reason instanceof ServingError)) return reason;
  const on =
    reads.length === 0
      ? ""
      : ` on ${reads
          .slice(0, 3)
          .map((alias) => `"${alias}"`)
          .join(", ")}`;
  return new ServingError(reason.code, `${title}${on}: ${reason.message}`, { cause: reason });
}

function titled<Result>(title: string, plan: () => Result): Result {
  try {
    return plan();
  } catch (reason) {
    if (!(reason instanceof ServingError)) throw reason;
    throw new ServingError(reason.code, `${title}: ${reason.message}`, { cause: reason });
  }
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
