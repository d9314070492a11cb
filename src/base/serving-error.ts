/** Why a call failed, in the canonical words (google.rpc.Code) that every protocol can translate. */
export type StatusCode =
  | "cancelled"
  | "unknown"
  | "invalid-argument"
  | "deadline-exceeded"
  | "not-found"
  | "already-exists"
  | "permission-denied"
  | "resource-exhausted"
  | "failed-precondition"
  | "aborted"
  | "out-of-range"
  | "unimplemented"
  | "internal"
  | "unavailable"
  | "data-loss"
  | "unauthenticated";

/**
 * The only error that crosses a room's border; anything else that escapes is a bug.
 *
 * The message is shown to clients: it names the thing, what was expected and the way out, and never holds a path
 * outside the model's own folder, a stack or an address. What was caught stays in `cause`, for the log.
 */
export class ServingError extends Error {
  override readonly name = "ServingError";
  readonly code: StatusCode;

  constructor(code: StatusCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Wraps whatever was caught; an unknown reason becomes `internal` with no detail for the client. */
  static from(reason: unknown): ServingError {
    return reason instanceof ServingError ? reason : new ServingError("internal", "internal error", { cause: reason });
  }
}
