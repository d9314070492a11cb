import type { WholeResponse } from "../http-exchange.ts";
import type { FaultStatus } from "./request-fault.ts";

const HEADERS = [["content-type", "application/json"]] as const;
const LATER_HEADERS = [...HEADERS, ["retry-after", "1"]] as const;

/** The transport's own answer, in the form of TensorFlow Serving's REST errors: one key, indented by four blanks. 503 asks to come back. */
export function faultAnswer(status: FaultStatus, message: string): WholeResponse {
  const headers = status === 503 ? LATER_HEADERS : HEADERS;
  return { status, headers, body: Buffer.from(`{\n    "error": ${JSON.stringify(message)}\n}`) };
}
