import type { StatusCode } from "../base/serving-error.ts";

/** HTTP status of each canonical code, as TensorFlow Serving maps them. */
export const HTTP_STATUS: Readonly<Record<StatusCode, number>> = {
  cancelled: 499,
  unknown: 500,
  "invalid-argument": 400,
  "deadline-exceeded": 504,
  "not-found": 404,
  "already-exists": 409,
  "permission-denied": 403,
  "resource-exhausted": 429,
  "failed-precondition": 400,
  aborted: 409,
  "out-of-range": 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  "data-loss": 500,
  unauthenticated: 401,
};
