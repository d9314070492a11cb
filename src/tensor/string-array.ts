/**
 * Byte strings in one piece: string `i` is `bytes[offsets[i], offsets[i + 1])`. Not necessarily UTF-8.
 */
export interface StringArray {
  readonly length: number;
  /** `length + 1` positions into {@link bytes}, not decreasing. */
  readonly offsets: Uint32Array;
  readonly bytes: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Packs strings (as UTF-8) and byte strings. */
export function packStrings(values: readonly (string | Uint8Array)[]): StringArray {
  const parts = values.map((value) => (typeof value === "string" ? encoder.encode(value) : value));
  const offsets = new Uint32Array(parts.length + 1);
  let end = 0;
  for (let i = 0; i < parts.length; i++) offsets[i + 1] = end += parts[i].length;
  const bytes = new Uint8Array(end);
  for (let i = 0; i < parts.length; i++) bytes.set(parts[i], offsets[i]);
  return { length: parts.length, offsets, bytes };
}

/** The bytes of string `index`, a view. */
export function stringBytes(strings: StringArray, index: number): Uint8Array {
  return strings.bytes.subarray(strings.offsets[index], strings.offsets[index + 1]);
}

/** String `index` read as UTF-8; bytes that are not become U+FFFD. */
export function stringAt(strings: StringArray, index: number): string {
  return decoder.decode(stringBytes(strings, index));
}

/**
 * What stands for a missing text in an input or output that may miss some: a byte that begins no UTF-8. It is null in JSON; a caller of gRPC
 * sends and gets this byte.
 */
export const MISSING_TEXT: Uint8Array = Uint8Array.of(0xff);

/** Whether string `index` is {@link MISSING_TEXT}. */
export function isMissingText({ offsets, bytes }: StringArray, index: number): boolean {
  const start = offsets[index];
  return offsets[index + 1] === start + 1 && bytes[start] === 0xff;
}
