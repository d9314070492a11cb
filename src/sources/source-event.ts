/** What a source warns about. */
export type SourceEvent =
  /** The base path is not there or cannot be read; what is served stays. */
  | "base_path_missing"
  /** The base path holds no version; nothing is served under the name (unless versions must always be present). */
  | "no_versions"
  /** Two folders carry one number. */
  | "duplicate_version"
  /** Versions asked for by number are not there. */
  | "version_missing"
  /** A version's folder stays without data, so it is not loaded. */
  | "empty_version"
  /** A bare model is no longer in its folder; what is served stays. */
  | "model_missing"
  /** A round failed for a reason of its own; what is served stays. */
  | "poll_failed";

/** One warning, for the log: it may hold paths. */
export interface SourceWarning {
  readonly event: SourceEvent;
  readonly message: string;
  readonly cause?: unknown;
}

/** Takes each warning once, and once more when its cause went away and came back. */
export type ReportSourceEvent = (
  event: SourceEvent,
  detail: { readonly servable: string; readonly message: string; readonly cause?: unknown },
) => void;
