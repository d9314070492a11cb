import { Buffer } from "node:buffer";
import { ServingError } from "../../base/serving-error.ts";
import type { Shape } from "../../tensor/shape.ts";
import { MISSING_TEXT } from "../../tensor/string-array.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { base64Text } from "./base64.ts";
import { type ElementReader, typeError } from "./element.ts";
import { GrowingStrings } from "./growing-strings.ts";
import { valueError } from "./json-error.ts";
import { scanValue, skipSpace } from "./scan.ts";
import { stringEnd, unescapeInto } from "./text.ts";
import { addWord, meansMissing, wordEnd } from "./text-elements.ts";

/** Either alphabet, each padding; a remainder of one digit holds no byte. */
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/**
 * Reads strings and base64 objects as Simple TensorFlow Serving takes them: base64 of either alphabet, padding or none. Where texts may be
 * missing, what is no string is read as {@link wordEnd} has it.
 */
export class StfsStrings implements ElementReader {
  readonly blockType = undefined;
  readonly #base64: boolean;
  readonly #nullable: boolean;
  readonly #booleanDigits: boolean;
  readonly #strings = new GrowingStrings();

  /** With `base64`, plain strings are base64 too. */
  constructor(base64: boolean, nullable = false, booleanDigits = false) {
    this.#base64 = base64;
    this.#nullable = nullable;
    this.#booleanDigits = booleanDigits;
  }

  get count(): number {
    return this.#strings.count;
  }

  read(source: Uint8Array, start: number): number {
    if (source[start] === 0x22) {
      const end = stringEnd(source, start);
      if (this.#base64) this.#decode(source, start + 1, end - 1);
      else {
        const at = this.#strings.reserve(end - start);
        this.#strings.add(unescapeInto(source, start + 1, end - 1, this.#strings.bytes, at));
      }
      return end;
    }
    if (source[start] !== 0x7b) {
      const end = this.#nullable ? wordEnd(source, start) : -1;
      if (end < 0) throw typeError(source, start, "string");
      if (meansMissing(source, start)) this.addMissing();
      else addWord(this.#strings, source, start, end, this.#booleanDigits);
      return end;
    }
    const text = base64Text(source, start);
    if (text === undefined) {
      throw valueError(source, start, scanValue(source, start, source.length), "not formatted correctly for base64 data");
    }
    this.#decode(source, text.start, text.end);
    return skipSpace(source, text.end + 1, source.length) + 1;
  }

  addMissing(): void {
    const at = this.#strings.reserve(MISSING_TEXT.length);
    this.#strings.bytes.set(MISSING_TEXT, at);
    this.#strings.add(at + MISSING_TEXT.length);
  }

  readBlock(): void {}

  finish(shape: Shape): Tensor {
    return { dtype: "string", shape, data: this.#strings.take() };
  }

  /** Appends what a scanned string between its quotes stands for. */
  #decode(source: Uint8Array, start: number, end: number): void {
    const text = Buffer.alloc(end - start);
    const written = text.toString("latin1", 0, unescapeInto(source, start, end, text, 0));
    const digits = written.replace(/=+$/, "").length;
    if (!BASE64.test(written) || digits % 4 === 1 || (digits < written.length && written.length % 4 !== 0)) {
      throw new ServingError("invalid-argument", "Unable to base64 decode");
    }
    const at = this.#strings.reserve(written.length);
    this.#strings.add(at + Buffer.from(this.#strings.bytes.buffer, at).write(written, "base64"));
  }
}
