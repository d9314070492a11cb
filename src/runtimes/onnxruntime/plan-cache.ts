import type { GivenInputs } from "./input-shapes.ts";
import type { Plan } from "./plan.ts";

/** Most plans kept: one for each of so many combinations of shapes, such as the sizes that batches have. */
const MOST_PLANS = 64;
/** Most memory that kept plans may hold. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Plans that wait for their next run, the last used first. Few, so they are searched one by one: comparing shapes is
 * cheaper than making a key of them.
 */
export class PlanCache {
  readonly #plans: Plan[] = [];
  readonly #mostPlans: number;
  readonly #mostBytes: number;

  constructor(mostPlans = MOST_PLANS, mostBytes = MOST_BYTES) {
    this.#mostPlans = mostPlans;
    this.#mostBytes = mostBytes;
  }

  /** The plan for these inputs and outputs, if there is one; it stays here and is the last used. */
  find(given: GivenInputs, wanted: readonly string[]): Plan | undefined {
    const plans = this.#plans;
    for (let i = 0; i < plans.length; i++) {
      const plan = plans[i];
      if (!plan.matches(given, wanted)) continue;
      for (let k = i; k > 0; k--) plans[k] = plans[k - 1];
      plans[0] = plan;
      return plan;
    }
    return undefined;
  }

  /** Like {@link find}, but the plan is the caller's until {@link put} brings it back. */
  take(given: GivenInputs, wanted: readonly string[]): Plan | undefined {
    const plan = this.find(given, wanted);
    if (plan !== undefined) this.#plans.shift();
    return plan;
  }

  /** Keeps a plan as the last used; releases the oldest when there are too many, or a plan too big to keep. */
  put(plan: Plan): void {
    this.#plans.unshift(plan);
    let bytes = 0;
    let kept = 0;
    for (const plan of this.#plans) {
      bytes += plan.bytes;
      if (kept === this.#mostPlans || bytes > this.#mostBytes) break;
      kept++;
    }
    for (const plan of this.#plans.splice(kept)) plan.release();
  }

  /** Releases all. */
  clear(): void {
    for (const plan of this.#plans.splice(0)) plan.release();
  }
}
