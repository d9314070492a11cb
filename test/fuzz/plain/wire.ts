/** protobuf's wire format read strictly and slowly: what is sound, and what a message means when nothing else is in it. */

/** Which fields of a message are looked at: by number, how each is written, or what message it is. */
export interface Fields {
  readonly [field: number]: Kind | Fields;
}

/**
 * `varints`, `fixed32s` and `fixed64s` may be packed. `bytes` are not looked into; a `string` is UTF-8.
 */
export type Kind = "varint" | "varints" | "fixed32s" | "fixed64s" | "bytes" | "string";

/** The bytes are no message. */
export class Unsound extends Error {}

const GROUP_DEPTH = 100;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * The message with nothing but the given fields, and only where they have the wire type they should (others are unknown fields
 * to a reader); protobuf-es, which looks at field numbers alone, then reads what was meant.
 * @throws Unsound when the message, as far as it is looked into, is broken.
 */
export function onlyFields(bytes: Uint8Array, fields: Fields): Buffer {
  const out: Uint8Array[] = [];
  const reader = new WireReader(bytes);
  while (reader.at < bytes.length) {
    const start = reader.at;
    const tag = reader.tag();
    const valueStart = reader.at;
    const kind = fields[tag >>> 3];
    reader.skip(tag);
    if (kind === undefined || (tag & 7) === 4) continue;
    const whole = bytes.subarray(start, reader.at);
    if ((tag & 7) !== 2) {
      if (singleWireType(kind) === (tag & 7)) out.push(whole);
      continue;
    }
    if (kind === "varint") continue;
    const content = contentOf(bytes, valueStart, reader.at);
    if (typeof kind !== "string") {
      const inner = onlyFields(content, kind);
      out.push(varint(tag), varint(inner.length), inner);
      continue;
    }
    if (kind === "string") decodeText(content);
    else if (kind === "varints") new WireReader(content).varints();
    else if (kind !== "bytes" && content.length % (kind === "fixed32s" ? 4 : 8) !== 0) throw new Unsound("packed");
    out.push(whole);
  }
  return Buffer.concat(out);
}

function decodeText(content: Uint8Array): void {
  try {
    utf8.decode(content);
  } catch {
    throw new Unsound("text");
  }
}

function singleWireType(kind: Kind | Fields): number {
  if (kind === "varint" || kind === "varints") return 0;
  if (kind === "fixed64s") return 1;
  return kind === "fixed32s" ? 5 : -1;
}

function contentOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const reader = new WireReader(bytes, start);
  const length = reader.varint();
  return bytes.subarray(end - length, end);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
}

class WireReader {
  at: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** The low 32 bits, unsigned; a varint may have ten bytes. */
  varint(): number {
    let value = 0;
    for (let i = 0; i < 10; i++) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) throw new Unsound("cut off");
      if (i < 5) value += (byte & 127) * 2 ** (i * 7);
      if (byte < 128) return value % 2 ** 32;
    }
    throw new Unsound("long varint");
  }

  varints(): void {
    while (this.at < this.#bytes.length) this.varint();
  }

  tag(): number {
    const start = this.at;
    const value = this.varint();
    const size = this.at - start;
    if (size > 5 || (size === 5 && this.#bytes[this.at - 1]! > 15) || value < 8) throw new Unsound("tag");
    return value;
  }

  skip(tag: number, depth = 1): void {
    switch (tag & 7) {
      case 0:
        this.varint();
        return;
      case 1:
        this.#advance(8);
        return;
      case 2:
        this.#advance(this.varint());
        return;
      case 3: {
        if (depth > GROUP_DEPTH) throw new Unsound("depth");
        let inner = this.tag();
        for (; (inner & 7) !== 4; inner = this.tag()) this.skip(inner, depth + 1);
        if (inner >>> 3 !== tag >>> 3) throw new Unsound("group");
        return;
      }
      case 5:
        this.#advance(4);
        return;
      default:
        throw new Unsound("wire type");
    }
  }

  #advance(bytes: number): void {
    if (bytes > this.#bytes.length - this.at) throw new Unsound("cut off");
    this.at += bytes;
  }
}
