import type { Shape } from "../../tensor/shape.ts";
import { MISSING_TEXT } from "../../tensor/string-array.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { base64Text, decodeBase64Into } from "./base64.ts";
import { type ElementReader, typeError } from "./element.ts";
import { GrowingStrings } from "./growing-strings.ts";
import { valueError } from "./json-error.ts";
import { scanValue, skipSpace } from "./scan.ts";
import { stringEnd, unescapeInto } from "./text.ts";

/** Reads strings and base64 objects into one piece of bytes, and null where texts may be missing. */
export class StringElements implements ElementReader {
  readonly blockType = undefined;
  protected readonly strings = new GrowingStrings();
  private readonly nullable: boolean;

  constructor(nullable = false) {
    this.nullable = nullable;
  }

  get count(): number {
    return this.strings.count;
  }

  read(source: Uint8Array, start: number): number {
    if (source[start] === 0x22) {
      const end = stringEnd(source, start);
      const at = this.strings.reserve(end - start);
      this.strings.add(unescapeInto(source, start + 1, end - 1, this.strings.bytes, at));
      return end;
    }
    if (this.nullable && source[start] === 0x6e) {
      this.addMissing();
      return start + 4;
    }
    if (source[start] !== 0x7b) throw typeError(source, start, "string");
    const text = base64Text(source, start);
    if (text === undefined) {
      const end = scanValue(source, start, source.length);
      throw valueError(source, start, end, "not formatted correctly for base64 data");
    }
    const at = this.strings.reserve(text.end - text.start);
    this.strings.add(decodeBase64Into(source, text.start, text.end, this.strings.bytes, at));
    return skipSpace(source, text.end + 1, source.length) + 1;
  }

  addMissing(): void {
    const at = this.strings.reserve(MISSING_TEXT.length);
    this.strings.bytes.set(MISSING_TEXT, at);
    this.strings.add(at + MISSING_TEXT.length);
  }

  readBlock(): void {}

  finish(shape: Shape): Tensor {
    return { dtype: "string", shape, data: this.strings.take() };
  }
}
