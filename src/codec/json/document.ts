import { ServingError } from "../../base/serving-error.ts";
import { syntaxError, valueError } from "./json-error.ts";
import type { NumberBlock } from "./number-block.ts";
import { readLikelyBlock } from "./read-number-block.ts";
import { scanColon, scanComma, scanName, scanValue, skipSpace } from "./scan.ts";
import { decodeString, stringEquals } from "./text.ts";

/** Members of a request that mean something; others are checked for syntax and ignored. */
const MEMBERS = ["signature_name", "instances", "inputs", "examples", "context"] as const;

const BY_LENGTH: readonly (MemberName | undefined)[] = Array.from({ length: 15 }, (_, length) =>
  MEMBERS.find((name) => name.length === length),
);

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
  /** The whole root object. */
  readonly root: ValueRange;
  readonly members: Readonly<Partial<Record<MemberName, ValueRange>>>;
  /** Arrays that were read to numbers during the scan, of whatever type, by where they start. */
  readonly blocks: ReadonlyMap<number, NumberBlock>;
}

/**
 * A named input's array is read during the scan only if its first row has at least this many bytes: what is kept stays in
 * proportion to the body, and short arrays are not worth the bookkeeping.
 */
const LONG_ROW = 96;

const NO_BLOCKS: ReadonlyMap<number, NumberBlock> = new Map();

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
  const members: Partial<Record<MemberName, ValueRange>> = {};
  const tensors = new TensorScan(body);

  let at = skipSpace(body, start + 1, end);
  if (at < end && body[at] === 0x7d) at = ~(at + 1);
  while (at >= 0) {
    const nameStop = scanName(body, at, end);
    const valueStart = scanColon(body, nameStop, end);
    const name = memberName(body, at, nameStop);
    let stop: number;
    if (name === undefined || members[name] !== undefined) stop = scanValue(body, valueStart, end);
    else {
      if (name === "instances" || name === "inputs") stop = tensors.scan(valueStart);
      else stop = scanValue(body, valueStart, end);
      members[name] = { start: valueStart, end: stop };
    }
    at = scanComma(body, stop, end);
  }
  return { bytes: body, root: { start, end: ~at }, members, blocks: tensors.blocks };
}

/** Whether a body starts with a UTF-8 byte order mark. */
export function startsWithMark(body: Uint8Array): boolean {
  return body.length >= 3 && body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
}

/** The member with the name whose quotes are at `start` and `end - 1`. */
function memberName(bytes: Uint8Array, start: number, end: number): MemberName | undefined {
  // No two are equally long, so one comparison decides; an escaped name is longer than what it says.
  const likely = BY_LENGTH[end - start - 2];
  if (likely !== undefined && stringEquals(bytes, start, end, likely)) return likely;
  return bytes.subarray(start, end).includes(0x5c) ? MEMBERS.find((name) => stringEquals(bytes, start, end, name)) : undefined;
}

/** Scans the values of `instances` and `inputs`, and keeps arrays of numbers that it meets where inputs are expected. */
export class TensorScan {
  /** What was kept, by where it starts. */
  blocks = NO_BLOCKS;
  private readonly bytes: Uint8Array;
  private readonly lastBrace: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    let last = bytes.length - 1;
    while (last >= 0 && bytes[last] !== 0x7d) last--;
    this.lastBrace = last;
  }

  /** The end of the value at `start`: an array, an object of named inputs, or a list of such objects. */
  scan(start: number): number {
    const { bytes } = this;
    if (start >= this.lastBrace) return scanValue(bytes, start, bytes.length);
    if (bytes[start] === 0x7b) return this.scanNamed(start);
    if (bytes[start] !== 0x5b) return scanValue(bytes, start, bytes.length);
    if (bytes[skipSpace(bytes, start + 1, bytes.length)] === 0x7b) return this.scanList(start);
    return this.scanBlock(start);
  }

  private scanBlock(start: number): number {
    const { bytes } = this;
    const block = readLikelyBlock(bytes, start, this.lastBrace);
    if (block === undefined) return scanValue(bytes, start, bytes.length);
    if (this.blocks === NO_BLOCKS) this.blocks = new Map();
    (this.blocks as Map<number, NumberBlock>).set(start, block);
    return block.end;
  }

  /** The end of the not empty list at `start`. */
  private scanList(start: number): number {
    const { bytes } = this;
    const end = bytes.length;
    let at = skipSpace(bytes, start + 1, end);
    for (;;) {
      at = at < end && bytes[at] === 0x7b ? this.scanNamed(at) : scanValue(bytes, at, end);
      at = skipSpace(bytes, at, end);
      const next = at < end ? bytes[at] : 0;
      if (next === 0x5d) return at + 1;
      if (next !== 0x2c) throw syntaxError("Missing a comma or ] after an array element.", at);
      at = skipSpace(bytes, at + 1, end);
    }
  }

  /** The end of the object at `start`. */
  private scanNamed(start: number): number {
    const { bytes } = this;
    const end = bytes.length;
    let at = skipSpace(bytes, start + 1, end);
    if (at < end && bytes[at] === 0x7d) return at + 1;
    while (at >= 0) {
      const valueStart = scanColon(bytes, scanName(bytes, at, end), end);
      const stop = this.startsLongRow(valueStart) ? this.scanBlock(valueStart) : scanValue(bytes, valueStart, end);
      at = scanComma(bytes, stop, end);
    }
    return ~at;
  }

  private startsLongRow(start: number): boolean {
    const { bytes } = this;
    if (start + LONG_ROW >= this.lastBrace || bytes[start] !== 0x5b) return false;
    for (let at = start + 1; at < start + LONG_ROW; at++) if (bytes[at] === 0x5d || bytes[at] === 0x22) return false;
    return true;
  }
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
