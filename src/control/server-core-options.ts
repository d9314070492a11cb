import type { ServingError, StatusCode } from "../base/serving-error.ts";
import { availabilityPreservingPolicy } from "../core/availability-preserving-policy.ts";
import { resourcePreservingPolicy } from "../core/resource-preserving-policy.ts";
import type { ServerBatching } from "../model/batching.ts";
import type { ServerPython } from "../model/python-options.ts";
import type { WarmUpOptions } from "./warm-up.ts";

/** Which version goes first when one takes over from another. */
export const ASPIRED_VERSION_POLICIES = {
  availability_preserving: availabilityPreservingPolicy,
  resource_preserving: resourcePreservingPolicy,
} as const;

/** How models are found, loaded and let go; see the flags of the same names. */
export interface ServerCoreOptions {
  readonly pollIntervalMs: number;
  readonly maxLoadRetries: number;
  readonly loadRetryIntervalMs: number;
  /** Loads at once while starting, and later; 0 is one after the other. */
  readonly initialLoadThreads: number;
  readonly loadThreads: number;
  readonly unloadThreads: number;
  readonly ramLimitBytes?: number;
  readonly allowLabelsForUnavailable: boolean;
  /** Any label may name any version, moved ones too. */
  readonly forceLabelsForUnavailable: boolean;
  readonly aspiredVersionPolicy: keyof typeof ASPIRED_VERSION_POLICIES;
  readonly reloadServablesWithError: boolean;
  /** Whether a model keeps its last version when its folder has none left. */
  readonly versionsAlwaysPresent: boolean;
  /** Tags of the graph to load from a SavedModel, of models that do not say. */
  readonly savedModelTags: readonly string[];
  /** How Python workers are run, of models that do not say. Absent: none is started. */
  readonly python?: ServerPython;
  /** What is run on a version before it serves. */
  readonly warmUp: WarmUpOptions;
  /** How versions are batched; absent when none is. */
  readonly batching?: ServerBatching;
}

/** Errors that may be gone at the next try; the others are about the files themselves, which a try does not change. */
const TRANSIENT: ReadonlySet<StatusCode> = new Set([
  "unknown",
  "deadline-exceeded",
  "resource-exhausted",
  "aborted",
  "internal",
  "unavailable",
]);

/** Whether a load that failed with this error is worth another try. */
export function isTransient({ code }: ServingError): boolean {
  return TRANSIENT.has(code);
}
