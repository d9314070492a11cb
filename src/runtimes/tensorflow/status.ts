import { ServingError, type StatusCode } from "../../base/serving-error.ts";
import { STATUS_CODES } from "../../base/status-code.ts";
import type { Pointer } from "../native-calls.ts";
import type { TensorFlowApi } from "./api.ts";

/** What TensorFlow said when a call failed; `message` is as it came and may hold paths. */
export interface Failure {
  readonly code: StatusCode;
  readonly message: string;
}

/** What a status says; undefined when it is OK. */
export function failureOf(api: TensorFlowApi, status: Pointer): Failure | undefined {
  const code = api.getCode(status);
  if (code === 0) return undefined;
  const name = STATUS_CODES[code];
  return { code: name === undefined || name === "ok" ? "unknown" : name, message: api.message(status) };
}

/**
 * Throws when a call that cannot fail by a request's or a model's fault has failed.
 * @throws ServingError internal.
 */
export function expectSuccess(api: TensorFlowApi, status: Pointer): void {
  const failure = failureOf(api, status);
  if (failure === undefined) return;
  throw new ServingError("internal", `TensorFlow: ${cleanMessage(failure.message)}`, { cause: new Error(failure.message) });
}

const LONGEST_MESSAGE = 4096;
/** More of a text is not even looked at: it may hold a whole input of the request. */
const MOST_READ = 16 * LONGEST_MESSAGE;

/**
 * TensorFlow's text without what clients must not see: paths (but for the file's name), addresses and the machine's name. Node names
 * hold slashes too, so only what begins with one is taken for a path.
 */
export function cleanMessage(text: string): string {
  const clean = text
    .slice(0, MOST_READ)
    // Looks for white space only where it begins: at each place of a long row of it anew would take for ever.
    .replace(/(?<!\s)\s*Hint: If you want to see a list of allocated tensors when OOM happens[^\n]*/g, "")
    .replace(/ in binary running on \S+?\.(?=\s|$)/g, "")
    .replace(
      /(^|[\s"'`=([{<,;])(?:[a-z]+:\/{2})?(?:[A-Za-z]:)?[\\/]+(?:[^\\/\s"'`,;()[\]{}<>]+[\\/]+)*([^\\/\s"'`,;()[\]{}<>]+)/g,
      "$1$2",
    )
    .replace(/\b0x[0-9a-fA-F]{5,}\b/g, "an address")
    .replace(/[^\P{Cc}\n\t]/gu, " ")
    .trim();
  return clean.length > LONGEST_MESSAGE ? `${clean.slice(0, LONGEST_MESSAGE)}...` : clean;
}

/** The error for a run that failed: TensorFlow's own code and text. */
export function runError({ code, message }: Failure): ServingError {
  return new ServingError(code, cleanMessage(message), { cause: new Error(message) });
}

/** The error for a SavedModel in `folder` (absolute) that could not be loaded. */
export function loadError({ code, message }: Failure, folder: string): ServingError {
  const kernel = /No OpKernel was registered to support Op '([^']+)'/.exec(message)?.[1];
  if (kernel !== undefined) {
    return new ServingError(
      "unimplemented",
      `the graph uses the op ${kernel}, of which this TensorFlow has no kernel for the types and devices at hand`,
      { cause: new Error(message) },
    );
  }
  const relative = message.replaceAll(`${folder}/`, "").replaceAll(folder, "the model's folder");
  return new ServingError(code, `the SavedModel cannot be loaded: ${cleanMessage(relative)}`, { cause: new Error(message) });
}

/** The op that a graph needs and nobody has registered, when that is what TensorFlow says. */
export function unregisteredOp({ message }: Failure): string | undefined {
  return /Op type not registered '([^']+)'/.exec(message)?.[1];
}

/** The error for a graph with ops that this `version` of TensorFlow does not have. */
export function missingOpsError(ops: readonly string[], version: string): ServingError {
  const [names, what] = ops.length === 1 ? [`op ${ops[0]}`, "it"] : [`ops ${ops.join(", ")}`, "them"];
  return new ServingError(
    "unimplemented",
    `the graph uses the ${names}, which TensorFlow ${version} does not have; name the library that has ${what} with --custom_op_paths`,
  );
}
