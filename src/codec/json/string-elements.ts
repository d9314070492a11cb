import type { Shape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { base64Text, decodeBase64Into } from "./base64.ts";
import { type ElementReader, typeError } from "./element.ts";
import { valueError } from "./json-error.ts";
import { scanValue, skipSpace } from "./scan.ts";
import { stringEnd, unescapeInto } from "./text.ts";

/** Reads strings and base64 objects into one piece of bytes. */
export class StringElements implements ElementReader {
  readonly blockType = undefined;
  count = 0;
  private offsets = new Uint32Array(17);
  private bytes = new Uint8Array(256);
  private length = 0;

  read(source: Uint8Array, start: number): number {
    if (source[start] === 0x22) {
      const end = stringEnd(source, start);
      this.reserve(end - start);
      this.length = unescapeInto(source, start + 1, end - 1, this.bytes, this.length);
      this.offsets[++this.count] = this.length;
      return end;
    }
    if (source[start] !== 0x7b) throw typeError(source, start, "string");
    const text = base64Text(source, start);
    if (text === undefined) {
      const end = scanValue(source, start, source.length);
      throw valueError(source, start, end, "not formatted correctly for base64 data");
    }
    this.reserve(text.end - text.start);
    this.length = decodeBase64Into(source, text.start, text.end, this.bytes, this.length);
    this.offsets[++this.count] = this.length;
    return skipSpace(source, text.end + 1, source.length) + 1;
  }

  readBlock(): void {}

  finish(shape: Shape): Tensor {
    const offsets = this.offsets.slice(0, this.count + 1);
    return { dtype: "string", shape, data: { length: this.count, offsets, bytes: this.bytes.slice(0, this.length) } };
  }

  private reserve(more: number): void {
    if (this.count + 2 > this.offsets.length) {
      const larger = new Uint32Array(this.offsets.length * 2);
      larger.set(this.offsets);
      this.offsets = larger;
    }
    if (this.length + more > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
  }
}
