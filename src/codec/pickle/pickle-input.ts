import { ServingError } from "../../base/serving-error.ts";

/** Longest number that is written in letters, and longest name of a module. */
const LONGEST_LINE = 4096;
const LONGEST_NUMBER_BYTES = 1024;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The bytes of a pickle from first to last. Every method throws ServingError data-loss where they end too early. */
export class PickleInput {
  position = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** A view of the next bytes. */
  bytes(length: number): Buffer {
    if (!(length >= 0 && length <= this.#bytes.length - this.position)) {
      throw this.damaged(`breaks off: ${length} bytes should follow, ${this.#bytes.length - this.position} do`);
    }
    this.position += length;
    return this.#bytes.subarray(this.position - length, this.position);
  }

  byte(): number {
    return this.bytes(1)[0]!;
  }

  uint16(): number {
    return this.bytes(2).readUInt16LE();
  }

  int32(): number {
    return this.bytes(4).readInt32LE();
  }

  uint32(): number {
    return this.bytes(4).readUInt32LE();
  }

  /** Above 2^53 it is not exact. */
  uint64(): number {
    return Number(this.bytes(8).readBigUInt64LE());
  }

  double(): number {
    return this.bytes(8).readDoubleBE();
  }

  utf8(length: number): string {
    const bytes = this.bytes(length);
    try {
      return UTF8.decode(bytes);
    } catch {
      // Python lets lone surrogates through.
      return bytes.toString("utf8");
    }
  }

  latin1(length: number): string {
    return this.bytes(length).toString("latin1");
  }

  /** The text up to the end of a line. @param longest its bytes; by default as long as a name or number may be */
  line(longest = LONGEST_LINE): string {
    const end = this.#bytes.indexOf(10, this.position);
    if (end < 0) throw this.damaged("breaks off in a line");
    if (end - this.position > longest) throw this.damaged(`has a name or number of more than ${longest} characters`);
    const text = this.latin1(end - this.position);
    this.position++;
    return text;
  }

  /** A line of any length. */
  longLine(): string {
    return this.line(Number.POSITIVE_INFINITY);
  }

  /** A whole number in two's complement; a bigint beyond 2^53. */
  integer(length: number): number | bigint {
    if (length > LONGEST_NUMBER_BYTES) throw this.damaged(`has a number of ${length} bytes`);
    const bytes = this.bytes(length);
    if (length === 0) return 0;
    const value = BigInt.asIntN(length * 8, BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`));
    return exact(value);
  }

  /** A whole number in letters. */
  integerLine(): number | bigint {
    const text = this.line().replace(/L$/, "");
    if (!/^\s*[+-]?\d+\s*$/.test(text)) throw this.damaged("has something else where a whole number is expected");
    return exact(BigInt(text.trim().replace(/^\+/, "")));
  }

  /** A number in letters. */
  floatLine(): number {
    const text = this.line().trim().toLowerCase();
    const word = /^([+-]?)(inf|infinity|nan)$/.exec(text);
    if (word !== null)
      return word[2] === "nan" ? Number.NaN : word[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(text)) throw this.damaged("has something else where a number is expected");
    return Number(text);
  }

  /** An error of code data-loss that says where the pickle is damaged. */
  damaged(what: string): ServingError {
    return new ServingError("data-loss", `the pickle ${what} (byte ${this.position})`);
  }
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
