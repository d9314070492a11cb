import { ServingError } from "../../base/serving-error.ts";
import { BodyCollector } from "../http1/body-collector.ts";
import { readUint32 } from "../http2/frame.ts";

/** Compression flag and length before each message (gRPC's HTTP/2 mapping, "Length-Prefixed-Message"). */
export const MESSAGE_PREFIX_BYTES = 5;

const NO_BYTES = new Uint8Array(0);

/** One message as framed: still compressed when the flag says so. */
export interface FramedMessage {
  readonly compressed: boolean;
  readonly bytes: Uint8Array;
}

/** The flag and length of a prefix at `at`. Throws `internal` for an unknown flag, `resource-exhausted` over `limit`. */
export function checkedPrefix(bytes: Uint8Array, at: number, limit: number): { compressed: boolean; length: number } {
  const flag = bytes[at]!;
  if (flag > 1) throw new ServingError("internal", `a message begins with flag ${flag}, expected 0 or 1`);
  const length = readUint32(bytes, at + 1);
  if (length > limit) {
    throw new ServingError("resource-exhausted", `the message has ${length} bytes, the limit is ${limit}`);
  }
  return { compressed: flag === 1, length };
}

/**
 * Cuts a call's DATA into messages, wherever it was split. A message inside one run of bytes is a view of it; others are
 * gathered in a buffer that grows with what has arrived, never with what was announced.
 */
export class MessageReader {
  readonly #limit: number;
  #bytes: Uint8Array = NO_BYTES;
  #at = 0;
  #end = 0;
  readonly #prefix = new Uint8Array(MESSAGE_PREFIX_BYTES);
  #prefixLength = 0;
  #compressed = false;
  #missing = 0;
  #collector: BodyCollector | undefined = undefined;

  /** `limit`: longest message, in bytes as framed. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether a message has begun and not ended. */
  get incomplete(): boolean {
    return this.#prefixLength > 0;
  }

  /** Gives the next run of bytes; the one before must have been read to its end. */
  push(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** The next whole message; undefined when more bytes are needed. Throws as {@link checkedPrefix}. */
  next(): FramedMessage | undefined {
    if (this.#prefixLength < MESSAGE_PREFIX_BYTES) {
      while (this.#prefixLength < MESSAGE_PREFIX_BYTES) {
        if (this.#at === this.#end) return this.#release();
        this.#prefix[this.#prefixLength++] = this.#bytes[this.#at++]!;
      }
      const { compressed, length } = checkedPrefix(this.#prefix, 0, this.#limit);
      this.#compressed = compressed;
      this.#missing = length;
    }
    if (this.#collector === undefined && this.#end - this.#at >= this.#missing) {
      const from = this.#at;
      this.#at += this.#missing;
      return this.#complete(this.#bytes.subarray(from, this.#at));
    }
    if (this.#at === this.#end) return this.#release();
    this.#collector ??= new BodyCollector(this.#missing, true);
    const taken = Math.min(this.#end - this.#at, this.#missing);
    this.#collector.append(this.#bytes, this.#at, this.#at + taken);
    this.#at += taken;
    this.#missing -= taken;
    return this.#missing === 0 ? this.#complete(this.#collector.take()) : this.#release();
  }

  /** A stream may be silent for long: the bytes of before must not stay in memory for it. */
  #release(): undefined {
    this.#bytes = NO_BYTES;
  }

  #complete(bytes: Uint8Array): FramedMessage {
    this.#prefixLength = 0;
    this.#collector = undefined;
    return { compressed: this.#compressed, bytes };
  }
}
