import type { Signatures } from "../tensor/signature.ts";
import type { NamedTensors } from "../tensor/tensor.ts";
import type { RuntimeName } from "./program.ts";

/** What a run is bound to. A getter may make the signal on first use: a run that is over at once never asks. */
export interface RunContext {
  readonly signal: AbortSignal;
  /** How many requests the run answers: together they may take the thread for longer than one. Default 1. */
  readonly requests?: number;
}

/** A model version as one serving thread calls it. Belongs to that thread. */
export interface Servable {
  /** The engine that runs it. */
  readonly runtime: RuntimeName;
  readonly signatures: Signatures;

  /**
   * Asked before a request's inputs are read, so that one that must be refused costs nothing more; without a signature while that is
   * not known.
   * @throws RefusedError when too many runs wait already.
   */
  admit?(signature?: string): void;

  /**
   * Runs one signature. Synchronous when the run is expected to be short, else a promise: callers accept both.
   *
   * The caller has checked that the signature exists and that every required input is there, with no unknown one;
   * dtypes and shapes are the engine's to check. `wanted` are output aliases, in the order of the answer.
   * Inputs may be reused by the caller once the run has ended; outputs belong to the caller.
   *
   * @throws ServingError, thrown or rejected: invalid-argument for what the request got wrong, cancelled or
   * deadline-exceeded (the signal's reason, when it is one) once the context's signal aborts, resource-exhausted when too many
   * runs wait, internal for the rest.
   */
  run(
    signature: string,
    inputs: NamedTensors,
    wanted: readonly string[],
    context?: RunContext,
  ): NamedTensors | Promise<NamedTensors>;

  /** Frees what this thread holds. Called once, after the last run has ended. Must not throw. */
  detach(): void;
}
