import { ServingError } from "../../base/serving-error.ts";

/** The error for bytes that are no protobuf message, or not the one expected; `what` says what is wrong with them. */
export function malformed(what: string): ServingError {
  return new ServingError("invalid-argument", `malformed protobuf message: ${what}`);
}
