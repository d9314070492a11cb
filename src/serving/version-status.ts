import type { StatusCode } from "../base/serving-error.ts";

/** States a version goes through, as clients see them; a version only moves forward in this list. */
export type VersionState = "START" | "LOADING" | "AVAILABLE" | "UNLOADING" | "END";

/** The latest known state of one version. Plain data: can be sent to another thread. */
export interface VersionStatus {
  readonly version: bigint;
  readonly state: VersionState;
  /** Why it ended, when it did not end well. */
  readonly error?: { readonly code: StatusCode; readonly message: string };
}
