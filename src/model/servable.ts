import type { Signatures } from "../tensor/signature.ts";
import type { NamedTensors, Tensor } from "../tensor/tensor.ts";
import type { RuntimeName } from "./program.ts";

/** What a run is bound to. A getter may make the signal on first use: a run that is over at once never asks. */
export interface RunContext {
  readonly signal: AbortSignal;
  /** How many requests the run answers: together they may take the thread for longer than one. Default 1. */
  readonly requests?: number;
  /** Milliseconds until the signal will abort by itself; undefined when it will not, or nobody knows. */
  readonly remainingMs?: number | undefined;
}

/** A signature to be run, and the output aliases that are asked of it. */
export interface SignatureTask {
  readonly signature: string;
  readonly wanted: readonly string[];
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

  /**
   * Runs several signatures on the same inputs at once, results in the order of the tasks; each input goes to every signature that has
   * it. Absent where an engine can only run one signature at a time. Otherwise as {@link run}.
   */
  runTogether?(
    tasks: readonly SignatureTask[],
    inputs: NamedTensors,
    context?: RunContext,
  ): readonly NamedTensors[] | Promise<readonly NamedTensors[]>;

  /**
   * Runs any part of the graph by the engine's own names (`x:0`), signatures or not: `feeds` replace what the graph computes, `fetches`
   * are what is answered, `targets` are operations that are only run. Absent where an engine has no such names.
   *
   * @throws ServingError as {@link run} does; not-found or invalid-argument for a name that the graph does not have.
   */
  runGraph?(
    feeds: NamedTensors,
    fetches: readonly string[],
    targets: readonly string[],
    context?: RunContext,
  ): readonly Tensor[] | Promise<readonly Tensor[]>;

  /**
   * Frees what this thread holds. Called once, after the last run has ended. Must not throw. A promise where the engine is still at a
   * run whose caller has gone: the version may be unloaded once it resolves.
   */
  detach(): void | Promise<void>;
}
