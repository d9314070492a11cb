import { availableParallelism } from "node:os";
import type { RunLimits } from "../../base/run-limits.ts";
import { ServingError } from "../../base/serving-error.ts";
import { BIG_MODEL_BYTES } from "../run-pace.ts";

/** How far ONNX Runtime rewrites a graph when it loads it. */
export type GraphOptimizationLevel = "disabled" | "basic" | "extended" | "all";

/** How the sessions of models are made; a model may have its own. */
export interface SessionOptions {
  /** Execution providers by their short names, most wanted first; the CPU takes what they leave. Default `["cpu"]`. */
  readonly executionProviders?: readonly string[];
  /** Default `all`. */
  readonly graphOptimizationLevel?: GraphOptimizationLevel;
  /** Threads that share one operator. Default: 1 for a model below {@link BIG_MODEL_BYTES}, else every core. */
  readonly intraOpThreads?: number;
  /** Threads that run operators side by side. Default 1. */
  readonly interOpThreads?: number;
}

/** Options of the runtime. */
export interface OnnxRuntimeOptions extends SessionOptions {
  /** A library to use in place of the packaged one, such as one built for CUDA. */
  readonly libraryPath?: string;
  /** How many long runs of one thread may wait; any number when left out. */
  readonly runLimits?: RunLimits;
}

/** Options with every choice made, for a model of a known size. */
export interface ResolvedSessionOptions {
  readonly executionProviders: readonly string[];
  /** `GraphOptimizationLevel` of onnxruntime_c_api.h. */
  readonly graphOptimizationLevel: number;
  readonly intraOpThreads: number;
  readonly interOpThreads: number;
}

const LEVELS: Readonly<Record<GraphOptimizationLevel, number>> = { disabled: 0, basic: 1, extended: 2, all: 99 };

/**
 * Settles how a session is made: the model's own options, then the runtime's, then the defaults.
 * @throws ServingError invalid-argument for a value that cannot be.
 */
export function resolveSessionOptions(
  runtime: SessionOptions,
  model: SessionOptions = {},
  modelBytes = 0,
): ResolvedSessionOptions {
  const {
    executionProviders = ["cpu"],
    graphOptimizationLevel = "all",
    intraOpThreads = modelBytes < BIG_MODEL_BYTES ? 1 : availableParallelism(),
    interOpThreads = 1,
  } = { ...given(runtime), ...given(model) };
  if (!Object.hasOwn(LEVELS, graphOptimizationLevel)) {
    throw new ServingError(
      "invalid-argument",
      `graphOptimizationLevel must be one of ${Object.keys(LEVELS).join(", ")}, got "${graphOptimizationLevel}"`,
    );
  }
  return {
    executionProviders,
    graphOptimizationLevel: LEVELS[graphOptimizationLevel],
    intraOpThreads: threads("intraOpThreads", intraOpThreads),
    interOpThreads: threads("interOpThreads", interOpThreads),
  };
}

/** The options that are there, so that one set to `undefined` does not hide a default. */
function given(options: SessionOptions): SessionOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function threads(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1 || value > 1024) {
    throw new ServingError("invalid-argument", `${name} must be a whole number from 1 to 1024, got ${value}`);
  }
  return value;
}
