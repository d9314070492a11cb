import { performance } from "node:perf_hooks";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { RunContext, Servable } from "../../model/servable.ts";
import type { Signatures } from "../../tensor/signature.ts";
import type { NamedTensors, Tensor } from "../../tensor/tensor.ts";
import { callElsewhere, type Pointer } from "../native-calls.ts";
import type { RunGate } from "../run-gate.ts";
import { averageTime, elementsOf, type Place, placeOf, RunPace } from "../run-pace.ts";
import type { AttachedSession } from "./attached-session.ts";
import { checkDType, type GivenInputs } from "./input-shapes.ts";
import { Plan } from "./plan.ts";
import { PlanCache } from "./plan-cache.ts";
import { expectSuccess, runError, takeFailure } from "./status.ts";

/** Every run of a plan is timed at first, later one in so many: reading the clock twice is a tenth of a small run. */
const TIMED_RUNS = 16;
const TIMED_EVERY = 8;

/** A run that answers several requests may take this thread for as long as so many of them by themselves. */
const MOST_SHARES = 4;

/** A session as one thread serves it. */
export class OnnxServable implements Servable {
  readonly runtime = "onnxruntime";
  readonly signatures: Signatures;
  readonly #session: AttachedSession;
  readonly #gate: RunGate;
  readonly #plans: PlanCache;
  /** Inputs of the call that is being prepared; never kept over an await. */
  readonly #given: (Tensor | undefined)[];
  readonly #pace: RunPace;
  #elsewhere = 0;

  /** `slow` says that the first run is expected to be long; long runs go through the gate. */
  constructor(session: AttachedSession, signatures: Signatures, slow: boolean, gate: RunGate, plans = new PlanCache()) {
    this.#session = session;
    this.#gate = gate;
    this.signatures = signatures;
    this.#plans = plans;
    this.#given = session.values.inputs.map(() => undefined);
    this.#pace = new RunPace(slow);
  }

  admit(): void {
    if (placeOf(this.#pace.milliseconds, 0) === "elsewhere") this.#gate.check();
  }

  run(
    _signature: string,
    inputs: NamedTensors,
    wanted: readonly string[],
    context?: RunContext,
  ): NamedTensors | Promise<NamedTensors> {
    const given = this.#read(inputs);
    const plan = this.#plans.find(given, wanted);
    const share = Math.min(context?.requests ?? 1, MOST_SHARES);
    const place = placeOf((plan?.milliseconds ?? this.#pace.expect(elementsOf(given))) / share, this.#elsewhere);
    if (place === "elsewhere") {
      this.#forgetGiven();
      return this.#runElsewhere(inputs, wanted, context?.signal);
    }
    if (place === "probe") this.#elsewhere = 0;
    if (plan !== undefined) return this.#runHere(plan, given, place);
    const fresh = new Plan(this.#session, given, wanted);
    try {
      return this.#runHere(fresh, given, place);
    } finally {
      // Only now, because a plan too big to be kept is released at once.
      this.#plans.put(fresh);
    }
  }

  detach(): void {
    this.#plans.clear();
  }

  #read(inputs: NamedTensors): GivenInputs {
    const declared = this.#session.values.inputs;
    const given = this.#given;
    for (let i = 0; i < declared.length; i++) {
      const value = declared[i];
      const tensor = inputs.get(value.name);
      if (tensor !== undefined) checkDType(value, i, tensor);
      else if (!value.optional) throw new ServingError("invalid-argument", `input "${value.name}" is missing`);
      given[i] = tensor;
    }
    return given;
  }

  #runHere(plan: Plan, given: GivenInputs, place: Place): NamedTensors {
    const { library, session } = this.#session;
    const { api } = library;
    plan.fill(given);
    const timed = plan.runs < TIMED_RUNS || plan.runs % TIMED_EVERY === 0;
    const elements = timed ? elementsOf(given) : 0;
    this.#forgetGiven();
    const [inputNames, inputValues, inputs, outputNames, outputs, outputValues] = plan.arguments;
    const start = timed ? performance.now() : 0;
    for (;;) {
      plan.prepare();
      const status = api.run(session, null, inputNames, inputValues, inputs, outputNames, outputs, outputValues);
      if (this.#ended(plan, status)) break;
    }
    if (timed) this.#time(plan, elements, performance.now() - start, place);
    else plan.runs++;
    return plan.collect();
  }

  async #runElsewhere(inputs: NamedTensors, wanted: readonly string[], signal: AbortSignal | undefined): Promise<NamedTensors> {
    await this.#gate.enter(signal);
    const entered = performance.now();
    try {
      const given = this.#read(inputs);
      const plan = this.#plans.take(given, wanted) ?? new Plan(this.#session, given, wanted);
      try {
        plan.fill(given);
        const elements = elementsOf(given);
        this.#forgetGiven();
        this.#elsewhere++;
        const start = performance.now();
        await this.#call(plan, signal);
        this.#time(plan, elements, performance.now() - start, "elsewhere");
        return plan.collect();
      } finally {
        this.#plans.put(plan);
      }
    } finally {
      this.#gate.leave(performance.now() - entered);
    }
  }

  /** Runs a plan on another thread until its outputs are good. */
  async #call(plan: Plan, signal: AbortSignal | undefined): Promise<void> {
    const { library, session } = this.#session;
    const { api, result } = library;
    throwIfAborted(signal);
    expectSuccess(api, api.createRunOptions(result));
    const options = result[0];
    const stop = (): void => this.#drop(api.runOptionsSetTerminate(options));
    signal?.addEventListener("abort", stop);
    try {
      for (;;) {
        plan.prepare();
        const status = await callElsewhere(api.run, session, options, ...plan.arguments);
        if (signal?.aborted) {
          this.#drop(status);
          if (status === null) plan.discard();
          throwIfAborted(signal);
        }
        if (this.#ended(plan, status)) return;
      }
    } finally {
      signal?.removeEventListener("abort", stop);
      api.releaseRunOptions(options);
    }
  }

  /** Whether a run has ended well; false when it must be done again. @throws ServingError for a run that failed. */
  #ended(plan: Plan, status: Pointer | null): boolean {
    if (status === null) return plan.accept();
    const failure = takeFailure(this.#session.library.api, status);
    if (plan.recover(failure)) return false;
    throw runError(failure);
  }

  #drop(status: Pointer | null): void {
    if (status !== null) this.#session.library.api.releaseStatus(status);
  }

  /** By hand: Array.fill is a call into the engine's runtime. */
  #forgetGiven(): void {
    const given = this.#given;
    for (let i = 0; i < given.length; i++) given[i] = undefined;
  }

  #time(plan: Plan, elements: number, milliseconds: number, place: Place): void {
    const first = plan.runs++ === 0;
    plan.milliseconds = averageTime(plan.milliseconds, milliseconds, place, first);
    this.#pace.note(elements, milliseconds, place, first);
  }
}
