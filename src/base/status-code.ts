import type { StatusCode } from "./serving-error.ts";

/** Canonical codes in the order of their numbers (google.rpc.Code); index 0 is OK and has no error. */
export const STATUS_CODES: readonly (StatusCode | "ok")[] = [
  "ok",
  "cancelled",
  "unknown",
  "invalid-argument",
  "deadline-exceeded",
  "not-found",
  "already-exists",
  "permission-denied",
  "resource-exhausted",
  "failed-precondition",
  "aborted",
  "out-of-range",
  "unimplemented",
  "internal",
  "unavailable",
  "data-loss",
  "unauthenticated",
];

const NUMBERS: ReadonlyMap<string, number> = new Map(STATUS_CODES.map((code, number) => [code, number]));

/** The number of a code on the wire (gRPC status, `tensorflow.error.Code`); OK is 0. */
export function statusNumber(code: StatusCode | "ok"): number {
  return NUMBERS.get(code)!;
}

/** The upper-case name, as in `INVALID_ARGUMENT`. */
export function statusName(code: StatusCode | "ok"): string {
  return code.toUpperCase().replaceAll("-", "_");
}
