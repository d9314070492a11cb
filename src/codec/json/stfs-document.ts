import { ServingError } from "../../base/serving-error.ts";
import { type JsonDocument, startsWithMark, TensorScan, type ValueRange } from "./document.ts";
import { printValue } from "./json-error.ts";
import { scanColon, scanComma, scanName, scanValue, skipSpace } from "./scan.ts";
import { decodeString } from "./text.ts";

/** What a request to Simple TensorFlow Serving says beside its data. Plain data: can be sent to a thread. */
export interface StfsHead {
  /** "" where it has none. */
  readonly model: string;
  /** Absent for the latest. At most one of this and {@link label}. */
  readonly version?: bigint;
  readonly label?: string;
  /** "" where it has none. */
  readonly signatureName: string;
  /** Whether its strings are base64 of the bytes that are meant. */
  readonly base64: boolean;
}

/** A request to Simple TensorFlow Serving whose syntax is right. */
export interface StfsDocument {
  readonly head: StfsHead;
  /** Its `inputs` is what the request calls `data`. */
  readonly document: JsonDocument;
}

/** Members that mean something; others are checked for syntax and ignored. */
const MEMBERS: ReadonlySet<string> = new Set(["model_name", "model_version", "signature_name", "base64_decode", "data"]);

const DIGITS = /^[0-9]+$/;
const LARGEST_VERSION = 2n ** 63n - 1n;

/**
 * Checks a body, and reads all but its `data`. Takes what TensorFlow Serving's bodies may have: see {@link scanDocument}; of a name given
 * twice the first counts.
 * @throws ServingError invalid-argument: `Invalid json data: RAW, REASON`, or what a member was expected to be.
 */
export function scanStfsDocument(body: Uint8Array): StfsDocument {
  let found: { readonly root: ValueRange; readonly members: Map<string, ValueRange>; readonly tensors: TensorScan };
  try {
    found = scanMembers(body);
  } catch (reason) {
    const error = ServingError.from(reason);
    if (error !== reason) throw reason;
    throw new ServingError("invalid-argument", `Invalid json data: ${printValue(body, 0, body.length)}, ${error.message}`);
  }
  const { root, members, tensors } = found;
  const data = members.get("data");
  const document = { bytes: body, root, members: data === undefined ? {} : { inputs: data }, blocks: tensors.blocks };
  const head = {
    model: text(body, members, "model_name"),
    ...version(body, members.get("model_version")),
    signatureName: text(body, members, "signature_name"),
    base64: flag(body, members, "base64_decode"),
  };
  return { head, document };
}

function scanMembers(body: Uint8Array) {
  const end = body.length;
  const start = skipSpace(body, startsWithMark(body) ? 3 : 0, end);
  if (start >= end || body[start] !== 0x7b) throw new ServingError("invalid-argument", "expected an object");
  const members = new Map<string, ValueRange>();
  const tensors = new TensorScan(body);
  let at = skipSpace(body, start + 1, end);
  if (at < end && body[at] === 0x7d) at = ~(at + 1);
  while (at >= 0) {
    const nameStop = scanName(body, at, end);
    const valueStart = scanColon(body, nameStop, end);
    // What has more letters than any member is none, escapes aside, which no client writes here.
    const name = nameStop - at > LONGEST_NAME ? "" : decodeString(body, at, nameStop);
    const stop = name === "data" && !members.has(name) ? tensors.scan(valueStart) : scanValue(body, valueStart, end);
    if (MEMBERS.has(name) && !members.has(name)) members.set(name, { start: valueStart, end: stop });
    at = scanComma(body, stop, end);
  }
  return { root: { start, end: ~at }, members, tensors };
}

/** Every letter of the longest member written as an escape. */
const LONGEST_NAME = 6 * "signature_name".length + 2;

/**
 * The version or label that a text means: its number, or, of other texts than digits, a label; "" for neither.
 * @throws ServingError invalid-argument for a number that no version can have.
 */
export function versionOf(written: string): Pick<StfsHead, "version" | "label"> {
  if (written === "") return {};
  if (!DIGITS.test(written)) return { label: written };
  const digits = written.replace(/^0+(?=\d)/, "");
  const number = digits.length <= 19 ? BigInt(digits) : LARGEST_VERSION + 1n;
  if (number > LARGEST_VERSION) throw invalid("model_version", "a number of at most 9223372036854775807", written.slice(0, 40));
  return { version: number };
}

function version(body: Uint8Array, range: ValueRange | undefined): Pick<StfsHead, "version" | "label"> {
  if (range === undefined || body[range.start] === 0x6e) return {};
  if (body[range.start] === 0x22) return versionOf(decodeString(body, range.start, range.end));
  const printed = printValue(body, range.start, range.end);
  if (!DIGITS.test(printed)) throw invalid("model_version", "a version's number or a label", printed);
  return versionOf(printed);
}

function text(body: Uint8Array, members: ReadonlyMap<string, ValueRange>, name: string): string {
  const range = members.get(name);
  if (range === undefined || body[range.start] === 0x6e) return "";
  if (body[range.start] !== 0x22) throw invalid(name, "a text", printValue(body, range.start, range.end));
  return decodeString(body, range.start, range.end);
}

/** Python's clients send `true`; some that came from elsewhere `"true"`. */
function flag(body: Uint8Array, members: ReadonlyMap<string, ValueRange>, name: string): boolean {
  const range = members.get(name);
  if (range === undefined) return false;
  switch (printValue(body, range.start, range.end).toLowerCase()) {
    case "true":
    case '"true"':
      return true;
    case "false":
    case '"false"':
    case "null":
      return false;
    default:
      throw invalid(name, "true or false", printValue(body, range.start, range.end));
  }
}

function invalid(name: string, expected: string, got: string): ServingError {
  return new ServingError("invalid-argument", `${name} must be ${expected}, got ${got}, please check the request JSON`);
}
