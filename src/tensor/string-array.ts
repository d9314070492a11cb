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
