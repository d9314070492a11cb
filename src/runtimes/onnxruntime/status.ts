import { ServingError, type StatusCode } from "../../base/serving-error.ts";
import type { Pointer } from "../native-calls.ts";
import type { OrtApi } from "./api-table.ts";

/** `OrtErrorCode` of onnxruntime_c_api.h, by number. */
const ERROR_CODES = [
  "ok",
  "fail",
  "invalid-argument",
  "no-such-file",
  "no-model",
  "engine-error",
  "runtime-exception",
  "invalid-protobuf",
  "model-loaded",
  "not-implemented",
  "invalid-graph",
  "provider-fail",
  "load-canceled",
] as const;

type ErrorCode = (typeof ERROR_CODES)[number];

/** What ONNX Runtime said when a call failed; `message` is as it came and may hold paths. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Reads and frees a status. */
export function takeFailure(api: OrtApi, status: Pointer): Failure {
  const failure = { code: ERROR_CODES[api.getErrorCode(status)] ?? "fail", message: api.getErrorMessage(status) };
  api.releaseStatus(status);
  return failure;
}

/**
 * Throws when a call that cannot fail by a request's or a model's fault has failed.
 * @throws ServingError internal.
 */
export function expectSuccess(api: OrtApi, status: Pointer | null): void {
  if (status === null) return;
  const { message } = takeFailure(api, status);
  throw new ServingError("internal", `ONNX Runtime: ${cleanMessage(message)}`, { cause: new Error(message) });
}

const LONGEST_MESSAGE = 400;

/**
 * ONNX Runtime's text without what clients must not see or do not need: source positions with the function's name,
 * paths (the model's own folder included), addresses and anything after the first line.
 */
export function cleanMessage(text: string): string {
  const clean = text
    .replace(/\s*\n[\s\S]*$/, "")
    .replace(/^Load model from .*? failed:\s*/, "")
    .replace(/^Non-zero status code returned while running (\S+) node\. Name:'([^']*)' Status Message: /, 'operator $1 "$2": ')
    .replace(/ "": /, ": ")
    .replace(/\S*\.(?:cc|cpp|cu|cuh|h|hpp|mm):\d+\s+[^\n]*?\)(?:::<lambda[^>]*>\(?\)?)?(?:\s+const)?\s+/g, "")
    .replace(/\S*\.(?:cc|cpp|cu|cuh|h|hpp|mm):\d+\s+\S+\s*/g, "")
    .replace(/(?:[A-Za-z]:)?(?:[\\/]+[^\\/\s"'`:,;()[\]{}]+)+[\\/]([^\\/\s"'`:,;()[\]{}]+)/g, "$1")
    .replace(/(^|[\s"'`:=(])[\\/]([^\\/\s"'`:,;()[\]{}]+)/g, "$1$2")
    .replace(/\b0x[0-9a-fA-F]{5,}\b/g, "an address")
    .replace(/[\s\p{Cc}]+/gu, " ")
    .replace(/[\s.:]+$/, "")
    .trim();
  return clean.length > LONGEST_MESSAGE ? `${clean.slice(0, LONGEST_MESSAGE)}...` : clean;
}

const LOAD_CODES: Readonly<Partial<Record<ErrorCode, StatusCode>>> = {
  "no-such-file": "not-found",
  "invalid-protobuf": "data-loss",
  "not-implemented": "unimplemented",
  "provider-fail": "failed-precondition",
  "engine-error": "failed-precondition",
};

/** The error for a model `file` (its path, absolute) that could not be made into a session. */
export function loadError({ code, message }: Failure, file: string): ServingError {
  const name = baseName(file);
  const reason = cleanMessage(message.replaceAll(file, name));
  const unknownOperator = /is not a registered function\/op|No opset import for domain|Unrecognized|is under development/i;
  const status = unknownOperator.test(message) ? "unimplemented" : (LOAD_CODES[code] ?? "invalid-argument");
  return new ServingError(status, `${name} cannot be loaded: ${reason}`, { cause: new Error(message) });
}

/** Words with which kernels complain about what they were given rather than about themselves. */
const BAD_INPUT =
  /shape|dimension|broadcast|rank|out of (?:data )?bounds|out of range|indices|index|mismatch|invalid (?:input|value)/i;

/** The error for a run that failed. */
export function runError({ code, message }: Failure): ServingError {
  const cause = new Error(message);
  const reason = cleanMessage(message);
  if (code === "not-implemented") return new ServingError("unimplemented", reason, { cause });
  if (/bad_?alloc|failed to allocate memory|out of memory/i.test(message)) {
    return new ServingError("resource-exhausted", `not enough memory for this run: ${reason}`, { cause });
  }
  const status = code === "invalid-argument" || BAD_INPUT.test(message) ? "invalid-argument" : "internal";
  return new ServingError(status, reason, { cause });
}

function baseName(file: string): string {
  return file.replace(/^.*[\\/]/, "");
}
