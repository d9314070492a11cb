import { ProtobufReader } from "./reader.ts";

const KEY = 0x0a;
const VALUE = 0x12;

/** An entry of a `map<string, message>`. */
export interface MapEntry {
  readonly key: string;
  /** The serialized message: a view, or a copy where the value comes more than once and its occurrences merge. */
  readonly value: Uint8Array;
}

/**
 * Reads one entry; what it does not have is empty.
 * @throws ServingError invalid-argument for malformed bytes.
 */
export function readMapEntry(bytes: Uint8Array): MapEntry {
  const reader = new ProtobufReader(bytes);
  let key = "";
  const values: Uint8Array[] = [];
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === KEY) key = reader.readString();
    else if (tag === VALUE) values.push(wholeMessage(reader.readBytes()));
    else reader.skip(tag);
  }
  return { key, value: joined(values) };
}

/** Messages merge when their bytes are put together. */
function joined(occurrences: readonly Uint8Array[]): Uint8Array {
  if (occurrences.length === 1) return occurrences[0];
  let length = 0;
  for (const each of occurrences) length += each.length;
  const bytes = new Uint8Array(length);
  let position = 0;
  for (const each of occurrences) {
    bytes.set(each, position);
    position += each.length;
  }
  return bytes;
}

/** Pieces that are whole only together are no messages. */
function wholeMessage(message: Uint8Array): Uint8Array {
  const reader = new ProtobufReader(message);
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) reader.skip(tag);
  return message;
}
