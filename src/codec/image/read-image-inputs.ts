import { ServingError } from "../../base/serving-error.ts";
import { ARRAY_TYPES, type NumericDType } from "../../tensor/dtype.ts";
import type { Signature, TensorInfo } from "../../tensor/signature.ts";
import { type NamedTensors, stringTensor, type Tensor } from "../../tensor/tensor.ts";
import { lentArray } from "../lent-array.ts";
import { type OpenedImage, openImage } from "./decode-image.ts";
import type { EncodedImage } from "./encoded-image.ts";
import { imageInput, takesEncodedImages } from "./image-input.ts";
import type { ImageRules, ImageSize } from "./image-rules.ts";
import { ImageSlots } from "./image-slots.ts";
import { nextTurn, PIXELS_A_TURN } from "./next-turn.ts";
import { CHANNEL_COUNT, describe, type PixelAxes, pixelShape, requirePixels } from "./pixel-input.ts";
import { valueTables } from "./pixel-values.ts";
import { type PixelTarget, writePixels } from "./write-pixels.ts";

/** Most bytes of the tensor that the images of one input become: a small file can describe many pixels. */
const MOST_TENSOR_BYTES = 128 * 1024 * 1024;

/** Calls of this thread whose images are decoded at once; Node has four threads for such work, unless told otherwise. */
const slots = new ImageSlots(2);

/**
 * The inputs of a call whose images are for one input of the signature: a string input gets their bytes, a pixel input gets them
 * decoded, resized and converted, in one batch. `others` are the inputs that are not images.
 *
 * Rejects with invalid-argument when it is not clear which input takes images, for images that cannot be decoded (`images[0]: ...`),
 * that do not end in one shape or make too large a tensor, and for rules that do not fit the input; failed-precondition where pixels are
 * wanted and sharp is not installed; the signal's reason once that aborts.
 */
export async function readImageInputs(
  signature: Signature,
  images: readonly EncodedImage[],
  rules: ImageRules,
  others: NamedTensors,
  signal: AbortSignal,
): Promise<NamedTensors> {
  const info = imageInput(signature, rules, others);
  if (others.has(info.alias)) throw invalid(`${describe(info)} is given twice: as images and as a value`);
  if (images.length === 0) throw invalid(`${describe(info)} has no image`);
  const tensor = takesEncodedImages(info)
    ? encodedTensor(info, images)
    : await slots.use(signal, () => pixelTensor(info, images, rules, signal));
  return new Map([...others, [info.alias, tensor]]);
}

function encodedTensor(info: TensorInfo, images: readonly EncodedImage[]): Tensor {
  const values = images.map(({ bytes }) => bytes);
  if (info.shape?.length !== 0) return stringTensor([values.length], values);
  if (values.length > 1) throw invalid(`${describe(info)} takes one image, got ${values.length}`);
  return stringTensor([], values);
}

async function pixelTensor(
  info: TensorInfo,
  images: readonly EncodedImage[],
  rules: ImageRules,
  signal: AbortSignal,
): Promise<Tensor> {
  const { axes, size } = requirePixels(info, rules);
  const dtype = info.dtype as NumericDType;
  const most = axes.batch ?? 1;
  if (most >= 0 && images.length !== most) throw invalid(`${describe(info)} takes ${most} at a time, got ${images.length}`);
  const tables = valueTables(dtype, axes.channels, rules);
  let batch: PixelBatch | undefined;
  for (const [index, image] of images.entries()) {
    const opened = await openImage(image);
    batch ??= new PixelBatch(info, axes, images.length, size ?? opened);
    batch.check(image, size ?? opened);
    await batch.add(index, opened, size, rules, { channels: axes.channels, layout: axes.layout, tables }, signal);
  }
  return batch!.tensor();
}

/** The tensor of images of one size, made when that is known. */
class PixelBatch {
  private readonly dtype: NumericDType;
  private readonly shape: readonly number[];
  private readonly size: ImageSize;
  private readonly perImage: number;
  private readonly elements: ReturnType<typeof lentArray>;

  constructor(info: TensorInfo, axes: PixelAxes, count: number, { width, height }: ImageSize) {
    this.dtype = info.dtype as NumericDType;
    this.size = { width, height };
    this.perImage = width * height * CHANNEL_COUNT[axes.channels];
    const { array, bytes } = ARRAY_TYPES[this.dtype];
    const needed = count * this.perImage * bytes;
    if (needed > MOST_TENSOR_BYTES) {
      throw invalid(
        `${count} images of ${width}x${height} make ${needed} bytes of ${describe(info)}, of at most ${MOST_TENSOR_BYTES}: ` +
          "send fewer, or smaller ones",
      );
    }
    this.shape = pixelShape(axes, count, this.size);
    this.elements = lentArray(array, bytes, count * this.perImage);
  }

  /** @throws ServingError invalid-argument when an image has another size than the first. */
  check({ name }: EncodedImage, { width, height }: ImageSize): void {
    const { size } = this;
    if (width === size.width && height === size.height) return;
    throw invalid(
      `${name}: it has ${width}x${height} pixels, the first has ${size.width}x${size.height}: name size=WIDTHxHEIGHT to make them alike`,
    );
  }

  async add(
    index: number,
    image: OpenedImage,
    size: ImageSize | undefined,
    rules: ImageRules,
    as: Omit<PixelTarget, "elements" | "offset">,
    signal: AbortSignal,
  ): Promise<void> {
    const raw = await image.decode({ size, alpha: as.channels === "RGBA", rules }, signal);
    const target = { ...as, elements: this.elements, offset: index * this.perImage };
    const pixels = raw.width * raw.height;
    if (raw.width !== this.size.width || raw.height !== this.size.height) throw new Error("an image was decoded to another size");
    for (let from = 0; from < pixels; from += PIXELS_A_TURN) {
      if (from > 0) await nextTurn(signal);
      writePixels(raw, from, Math.min(pixels, from + PIXELS_A_TURN), target);
    }
  }

  tensor(): Tensor {
    return { dtype: this.dtype, shape: this.shape, data: this.elements };
  }
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
