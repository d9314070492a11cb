import { ServingError } from "../../base/serving-error.ts";
import type { Shape } from "../../tensor/shape.ts";
import type { TensorInfo } from "../../tensor/signature.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { base64Text, decodeBase64Into } from "./base64.ts";
import { scanDocument } from "./document.ts";
import { type ElementReader, typeError } from "./element.ts";
import { elementReader } from "./element-reader.ts";
import { GrowingStrings } from "./growing-strings.ts";
import { type PredictInputs, readPredictInputs } from "./predict-inputs.ts";
import { skipSpace } from "./scan.ts";
import { stringEnd, unescapeInto } from "./text.ts";

/**
 * Reads a predict request again, which was refused, with images where some inputs of numbers have their values: `{"b64": "..."}` or the
 * text alone, of either base64 alphabet, a data URL's too. Those inputs become strings, the bytes of the files in one list; inputs
 * that have numbers after all stay numbers.
 * @param images aliases of the inputs that may have images.
 * @throws what it was refused for, when there is no image; ServingError invalid-argument, `images[N]: ...`, for text that is no base64,
 * and as {@link readPredictInputs} does.
 */
export function readPredictImages(
  body: Uint8Array,
  inputs: readonly TensorInfo[],
  images: readonly string[],
  refused: unknown,
): PredictInputs {
  const readers: ImageTexts[] = [];
  try {
    // The first reading has taken over the numbers that the scan found.
    const read = readPredictInputs(scanDocument(body), inputs, false, (input) => {
      if (!images.includes(input.alias)) return elementReader(input.dtype);
      const reader = new ImageTexts(input);
      readers.push(reader);
      return reader;
    });
    if (readers.some((reader) => reader.hasImages)) return read;
  } catch (reason) {
    if (readers.some((reader) => reader.hasImages)) throw reason;
  }
  throw refused;
}

const DATA_URL = "data:";

/** The part of a data URL before its comma is short. */
const LONGEST_PREFIX = 128;

const COMMA = 0x2c;
const [MINUS, UNDERLINE, PLUS, SLASH] = [0x2d, 0x5f, 0x2b, 0x2f];

/** Reads images until the first element is a number. */
class ImageTexts implements ElementReader {
  readonly blockType = undefined;
  private readonly input: TensorInfo;
  private readonly strings = new GrowingStrings();
  private numbers: ElementReader | undefined;

  constructor(input: TensorInfo) {
    this.input = input;
  }

  get count(): number {
    return this.numbers?.count ?? this.strings.count;
  }

  /** Whether there was something that is no number. */
  get hasImages(): boolean {
    return this.numbers === undefined && this.strings.count > 0;
  }

  read(source: Uint8Array, start: number): number {
    if (this.numbers !== undefined) return this.numbers.read(source, start);
    const [from, to, end] = textAt(source, start) ?? [0, 0, 0];
    if (end === 0) {
      if (this.strings.count > 0) throw typeError(source, start, "string");
      this.numbers = elementReader(this.input.dtype);
      return this.numbers.read(source, start);
    }
    this.add(source.subarray(from, to));
    return end;
  }

  addMissing(): void {
    throw new ServingError("invalid-argument", "an image is missing");
  }

  readBlock(): void {}

  finish(shape: Shape): Tensor {
    if (this.numbers !== undefined) return this.numbers.finish(shape);
    if (shape.length > 1) {
      throw new ServingError(
        "invalid-argument",
        `images of input "${this.input.alias}" must be one list, are in ${shape.length}`,
      );
    }
    return { dtype: "string", shape, data: this.strings.take() };
  }

  private add(text: Uint8Array): void {
    const index = this.strings.count;
    const base64 = standardBase64(text);
    const at = this.strings.reserve(base64.length);
    let end = at;
    let fault: unknown;
    try {
      end = decodeBase64Into(base64, 0, base64.length, this.strings.bytes, at);
    } catch (reason) {
      fault = reason;
    }
    // One that cannot be read is an image all the same: what was sent is no number.
    this.strings.add(end);
    if (fault === undefined) return;
    throw new ServingError("invalid-argument", `images[${index}]: its text is not base64`, { cause: fault });
  }
}

/** The string at `start`, or in the base64 object there: its first byte, the one after it, and the first after the value. */
function textAt(source: Uint8Array, start: number): readonly [from: number, to: number, end: number] | undefined {
  if (source[start] === 0x22) {
    const end = stringEnd(source, start);
    return [start + 1, end - 1, end];
  }
  const text = source[start] === 0x7b ? base64Text(source, start) : undefined;
  return text && [text.start, text.end, skipSpace(source, text.end + 1, source.length) + 1];
}

/** The text without escapes and what a data URL begins with, in the standard alphabet. */
function standardBase64(text: Uint8Array): Uint8Array {
  const escaped = text.includes(0x5c);
  const isUrl = Buffer.from(text.subarray(0, DATA_URL.length)).toString("latin1") === DATA_URL;
  if (!escaped && !isUrl && !text.includes(MINUS) && !text.includes(UNDERLINE)) return text;
  const copy = new Uint8Array(text.length);
  const plain = escaped ? copy.subarray(0, unescapeInto(text, 0, text.length, copy, 0)) : text;
  const comma = isUrl ? plain.subarray(0, LONGEST_PREFIX).indexOf(COMMA) : -1;
  return plain.subarray(comma + 1).map((byte) => (byte === MINUS ? PLUS : byte === UNDERLINE ? SLASH : byte));
}
