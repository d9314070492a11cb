import type { WholeResponse } from "../http-exchange.ts";
import type { FaultStatus } from "./request-fault.ts";

const HEADERS = [["content-type", "application/json"]] as const;

/** The transport's own answer, in the form of TensorFlow Serving's REST errors: one key, indented by four blanks. */
export function faultAnswer(status: FaultStatus, message: string): WholeResponse {
  return { status, headers: HEADERS, body: Buffer.from(`{\n    "error": ${JSON.stringify(message)}\n}`) };
}
