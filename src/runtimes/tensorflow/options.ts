import type { RunLimits } from "../../base/run-limits.ts";
import type { TensorFlowOptions } from "../../model/tensorflow-options.ts";

/** Options of the runtime, the same on every thread. Plain data. */
export interface TensorFlowRuntimeOptions {
  /** How every model is loaded that does not say otherwise. */
  readonly models?: TensorFlowOptions;
  /** How many long runs of one thread may wait; any number when left out. */
  readonly runLimits?: RunLimits;
}

/** Finds the library `libtensorflow_cc`, and gets it first where that is wished for. Absolute; rejects with a ServingError that says what to do. */
export type LocateTensorFlow = (signal: AbortSignal) => Promise<string>;

/** How one model is loaded. */
export interface ResolvedTensorFlowOptions {
  /** Serialized `tensorflow.ConfigProto`. */
  readonly sessionConfig: Uint8Array;
  readonly sessionTarget: string | undefined;
  readonly customOpPaths: readonly string[];
}

/**
 * `operation_timeout_in_ms` of a session on another server, a minute: without it TensorFlow waits for ever for a server that is gone, to
 * load, to run without a deadline, and to close.
 */
const REMOTE_DEFAULTS = Uint8Array.of(0x58, 0xe0, 0xd4, 0x03);

/**
 * How a model is loaded: what the server says, then what its files say, then what its config says, each over the one before; libraries
 * of custom ops of both.
 */
export function resolveTensorFlowOptions(
  server: TensorFlowOptions = {},
  model: TensorFlowOptions = {},
  fromFiles?: Uint8Array,
): ResolvedTensorFlowOptions {
  const sessionTarget = model.sessionTarget ?? server.sessionTarget;
  const defaults = sessionTarget === undefined ? undefined : REMOTE_DEFAULTS;
  return {
    sessionConfig: merged([defaults, server.sessionConfig, fromFiles, model.sessionConfig]),
    sessionTarget,
    customOpPaths: [...(server.customOpPaths ?? []), ...(model.customOpPaths ?? [])],
  };
}

/** Serialized messages one after the other are one that merges each over those before it. */
function merged(messages: readonly (Uint8Array | undefined)[]): Uint8Array {
  return new Uint8Array(Buffer.concat(messages.filter((message) => message !== undefined)));
}
