import { ServingError } from "../../base/serving-error.ts";
import { valueError } from "./json-error.ts";
import { type NumberBlock, readNumberBlock } from "./number-block.ts";
import { scanColon, scanComma, scanName, scanValue, skipSpace } from "./scan.ts";
import { decodeString, stringEquals } from "./text.ts";

/** Members of a request that mean something; others are checked for syntax and ignored. */
const MEMBERS = ["signature_name", "instances", "inputs", "examples", "context"] as const;

/** A member of a request by name. */
export type MemberName = (typeof MEMBERS)[number];

/** Where a value lies in the body: its first byte and the first byte after it. */
export interface ValueRange {
  readonly start: number;
  readonly end: number;
}

/** A request body whose syntax is known to be right, and where its members are. */
export interface JsonDocument {
  /** The body; a view, so it must not change while the document is in use. */
  readonly bytes: Uint8Array;
  /** The same bytes. */
  readonly view: DataView;
  /** The whole root object. */
  readonly root: ValueRange;
  readonly members: Readonly<Partial<Record<MemberName, ValueRange>>>;
  /** Arrays that were read to numbers during the scan, by where they start. */
  readonly blocks: ReadonlyMap<number, NumberBlock>;
}

/** Fewest numbers of a named input's array that are kept from the scan; so what is kept stays in proportion to the body. */
const SMALLEST_KEPT_BLOCK = 32;

/**
 * Checks a body as RapidJSON does and finds the members of the root object; of a name given twice the first counts. Accepts the
 * number tokens NaN, Inf and Infinity with either sign, any nesting, a UTF-8 byte order mark, and anything after the object.
 * @throws ServingError invalid-argument: `JSON Parse error: TEXT at offset: N`, or `JSON Value: V Is not object`.
 */
export function scanDocument(body: Uint8Array): JsonDocument {
  const end = body.length;
  const start = skipSpace(body, startsWithMark(body) ? 3 : 0, end);
  if (start >= end || body[start] === 0) {
    throw new ServingError("invalid-argument", "JSON Parse error: The document is empty");
  }
  if (body[start] !== 0x7b) throw valueError(body, start, scanValue(body, start, end), "Is not object");
  const view = new DataView(body.buffer, body.byteOffset, end);
  const members: Partial<Record<MemberName, ValueRange>> = {};
  const blocks = new Map<number, NumberBlock>();
  const lastBrace = body.lastIndexOf(0x7d);

  let at = skipSpace(body, start + 1, end);
  if (at < end && body[at] === 0x7d) at = ~(at + 1);
  while (at >= 0) {
    const nameStop = scanName(body, at, end);
    const valueStart = scanColon(body, nameStop, end);
    const name = memberName(body, at, nameStop);
    let stop: number;
    if (name === undefined || members[name] !== undefined) stop = scanValue(body, valueStart, end);
    else {
      if (name === "instances" || name === "inputs") stop = scanTensors(body, view, valueStart, lastBrace, blocks);
      else stop = scanValue(body, valueStart, end);
      members[name] = { start: valueStart, end: stop };
    }
    at = scanComma(body, stop, end);
  }
  return { bytes: body, view, root: { start, end: ~at }, members, blocks };
}

function startsWithMark(body: Uint8Array): boolean {
  return body.length >= 3 && body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
}

function memberName(bytes: Uint8Array, start: number, end: number): MemberName | undefined {
  for (const name of MEMBERS) if (stringEquals(bytes, start, end, name)) return name;
  return undefined;
}

/** The end of the value of `instances` or `inputs`; arrays of numbers at its top or one name below are kept in `blocks`. */
function scanTensors(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  lastBrace: number,
  blocks: Map<number, NumberBlock>,
): number {
  const end = bytes.length;
  const first = start < lastBrace ? bytes[start] : 0;
  if (first === 0x5b) {
    const block = readNumberBlock(bytes, view, start, lastBrace);
    if (block === undefined) return scanValue(bytes, start, end);
    blocks.set(start, block);
    return block.end;
  }
  if (first !== 0x7b) return scanValue(bytes, start, end);
  let at = skipSpace(bytes, start + 1, end);
  if (at < end && bytes[at] === 0x7d) return at + 1;
  while (at >= 0) {
    const valueStart = scanColon(bytes, scanName(bytes, at, end), end);
    const block =
      valueStart < lastBrace && bytes[valueStart] === 0x5b ? readNumberBlock(bytes, view, valueStart, lastBrace) : undefined;
    if (block !== undefined && block.values.length >= SMALLEST_KEPT_BLOCK) blocks.set(valueStart, block);
    at = scanComma(bytes, block === undefined ? scanValue(bytes, valueStart, end) : block.end, end);
  }
  return ~at;
}

/**
 * The `signature_name` of a request, "" where it has none.
 * @throws ServingError invalid-argument where it is not a string.
 */
export function signatureName(document: JsonDocument): string {
  const { bytes, root, members } = document;
  const range = members.signature_name;
  if (range === undefined) return "";
  if (bytes[range.start] !== 0x22) {
    throw valueError(bytes, root.start, root.end, "not formatted correctly. 'signature_name' key must be a string value.");
  }
  return decodeString(bytes, range.start, range.end);
}
