import { ServingError } from "../../base/serving-error.ts";
import { type FrameHeader, HEADER_BYTES, readHeader } from "./frames.ts";

/** Told of each frame; the body is the receiver's to keep, in memory that begins at a multiple of 8 bytes. */
export type OnFrame = (header: FrameHeader, body: Buffer) => void;

/** Cuts what comes from a worker into frames. */
export class FrameReader {
  readonly #mostBodyBytes: number;
  readonly #onFrame: OnFrame;
  readonly #head = Buffer.alloc(HEADER_BYTES);
  #headBytes = 0;
  #header: FrameHeader | undefined;
  #body: Buffer = EMPTY;
  #bodyBytes = 0;

  /** Bodies have at most `mostBodyBytes`. */
  constructor(mostBodyBytes: number, onFrame: OnFrame) {
    this.#mostBodyBytes = mostBodyBytes;
    this.#onFrame = onFrame;
  }

  /** Takes the next bytes of the stream. @throws ServingError internal for a body that is too long; whatever `onFrame` throws */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#header === undefined) {
        const taken = chunk.copy(this.#head, this.#headBytes, at, at + HEADER_BYTES - this.#headBytes);
        this.#headBytes += taken;
        at += taken;
        if (this.#headBytes < HEADER_BYTES) return;
        this.#begin(readHeader(this.#head, 0));
      }
      const taken = chunk.copy(this.#body, this.#bodyBytes, at, at + this.#body.length - this.#bodyBytes);
      this.#bodyBytes += taken;
      at += taken;
      if (this.#bodyBytes < this.#body.length) return;
      const header = this.#header!;
      const body = this.#body;
      this.#header = undefined;
      this.#headBytes = 0;
      this.#body = EMPTY;
      this.#onFrame(header, body);
    }
  }

  #begin(header: FrameHeader): void {
    if (header.bodyBytes > this.#mostBodyBytes) {
      throw new ServingError("internal", `the Python worker's answer has ${header.bodyBytes} bytes, more than may come`);
    }
    this.#header = header;
    // Of its own: tensors are views of it, at their own alignment.
    this.#body = header.bodyBytes === 0 ? EMPTY : Buffer.allocUnsafeSlow(header.bodyBytes);
    this.#bodyBytes = 0;
  }
}

const EMPTY = Buffer.alloc(0);
