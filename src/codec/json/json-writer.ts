import { Buffer, isUtf8 } from "node:buffer";
import { encodeBase64Into } from "./base64.ts";

/** Space that is kept from one answer to the next. */
const KEPT_BYTES = 1 << 20;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const HEX = "0123456789ABCDEF";

/** The second character of an escape of two; 1 where the escape is of six; 0 for a byte that stands for itself. */
const ESCAPE = new Uint8Array(256).fill(1, 0, 0x20);
for (const [byte, letter] of [
  [8, "b"],
  [9, "t"],
  [10, "n"],
  [12, "f"],
  [13, "r"],
  [0x22, '"'],
  [0x5c, "\\"],
] as const) {
  ESCAPE[byte] = letter.charCodeAt(0);
}

// An answer is written in one go, so all of them share one space.
let kept = new Uint8Array(4096);

/** Writes JSON text as bytes into space that grows. At most one writer may be in use at a time. */
export class JsonWriter {
  /** What was written is `[0, length)`; whoever writes here must have called {@link reserve}. */
  bytes: Uint8Array;
  length = 0;

  /** With `space` of its own, a writer may be in use beside others. */
  constructor(space: Uint8Array = kept) {
    this.bytes = space;
  }

  /** Makes sure that `bytes` has room for this many more. */
  reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
    if (larger.length <= KEPT_BYTES) kept = larger;
  }

  /** Writes text that is ASCII and needs no escapes. */
  ascii(text: string): void {
    this.reserve(text.length);
    for (let i = 0; i < text.length; i++) this.bytes[this.length++] = text.charCodeAt(i);
  }

  /** Writes bytes that are JSON text already. */
  raw(text: Uint8Array): void {
    this.reserve(text.length);
    this.bytes.set(text, this.length);
    this.length += text.length;
  }

  /** Writes one byte. */
  byte(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** Starts a line that is indented by four blanks for each open container. */
  line(level: number): void {
    this.reserve(1 + level * 4);
    this.bytes[this.length++] = 0x0a;
    // By hand: a call of fill costs more than a few bytes.
    for (let blanks = level * 4; blanks > 0; blanks--) this.bytes[this.length++] = 0x20;
  }

  /** Writes a JSON string; a surrogate without its partner becomes U+FFFD. */
  text(value: string): void {
    this.escaped(encoder.encode(value));
  }

  /** Writes bytes as a JSON string; what is not UTF-8 becomes U+FFFD, control characters are escaped. */
  string(value: Uint8Array): void {
    let ascii = true;
    for (let i = 0; i < value.length && ascii; i++) ascii = value[i] < 0x80;
    this.escaped(ascii || isUtf8(value) ? value : encoder.encode(decoder.decode(value)));
  }

  /** Writes bytes as a JSON string of padded base64. */
  base64(value: Uint8Array): void {
    this.reserve(Math.ceil(value.length / 3) * 4 + 2);
    this.bytes[this.length++] = 0x22;
    this.length = encodeBase64Into(value, this.bytes, this.length);
    this.bytes[this.length++] = 0x22;
  }

  /** Writes a whole number. */
  integer(value: number): void {
    this.reserve(17);
    if (value < 0) {
      this.bytes[this.length++] = 0x2d;
      value = -value;
    }
    if (value > 999_999_999) {
      this.ascii(String(value));
      return;
    }
    let rest = value | 0;
    let digits = 1;
    for (let power = 10; rest >= power; power *= 10) digits++;
    const end = this.length + digits;
    for (let at = end - 1; at >= this.length; at--) {
      const tens = (rest / 10) | 0;
      this.bytes[at] = 48 + rest - tens * 10;
      rest = tens;
    }
    this.length = end;
  }

  /** The text, in memory of its own. The writer must not be used after. */
  take(): Uint8Array {
    if (this.bytes === kept) {
      const text = Buffer.allocUnsafe(this.length);
      text.set(this.bytes.length === this.length ? this.bytes : this.bytes.subarray(0, this.length));
      return text;
    }
    return this.bytes.subarray(0, this.length);
  }

  private escaped(value: Uint8Array): void {
    this.reserve(value.length * 6 + 2);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = 0x22;
    for (let i = 0; i < value.length; i++) {
      const byte = value[i];
      const letter = ESCAPE[byte];
      if (letter === 0) {
        bytes[at++] = byte;
        continue;
      }
      bytes[at++] = 0x5c;
      if (letter !== 1) {
        bytes[at++] = letter;
        continue;
      }
      bytes[at++] = 0x75;
      bytes[at++] = 0x30;
      bytes[at++] = 0x30;
      bytes[at++] = HEX.charCodeAt(byte >>> 4);
      bytes[at++] = HEX.charCodeAt(byte & 15);
    }
    bytes[at++] = 0x22;
    this.length = at;
  }
}
