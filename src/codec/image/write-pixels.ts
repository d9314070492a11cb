import type { NumericArray } from "../../tensor/dtype.ts";
import type { ChannelOrder, PixelLayout } from "./image-rules.ts";
import type { ValueTables } from "./pixel-values.ts";
import type { RawImage } from "./raw-image.ts";

/** Where an image's pixels go. */
export interface PixelTarget {
  readonly elements: NumericArray;
  /** Of the image's first element. */
  readonly offset: number;
  readonly layout: PixelLayout;
  readonly channels: ChannelOrder;
  readonly tables: ValueTables;
}

const OPAQUE = 255;

/**
 * Writes the pixels `[from, to)` of an image, counted row by row, to where they belong in a tensor. Without colour a pixel is
 * `(19595 * red + 38470 * green + 7471 * blue + 32768) >> 16`, ITU-R 601-2's luma.
 */
export function writePixels(image: RawImage, from: number, to: number, target: PixelTarget): void {
  const { data, channels: step } = image;
  const { offset, layout, channels } = target;
  const count = target.tables.length;
  const pixelStep = layout === "NHWC" ? count : 1;
  const channelStep = layout === "NHWC" ? 1 : image.width * image.height;
  // BigInt arrays take what their tables hold, as the others do.
  const elements = target.elements as Uint8Array;
  const [first, second, third, fourth] = target.tables as readonly Uint8Array[];
  let at = offset + from * pixelStep;
  if (channels === "L") {
    for (let i = from * step; i < to * step; i += step, at += pixelStep) {
      elements[at] = first![(19595 * data[i] + 38470 * data[i + 1] + 7471 * data[i + 2] + 32768) >> 16];
    }
    return;
  }
  const [red, blue] = channels === "BGR" ? [2, 0] : [0, 2];
  for (let i = from * step; i < to * step; i += step, at += pixelStep) {
    elements[at] = first![data[i + red!]];
    elements[at + channelStep] = second![data[i + 1]];
    elements[at + 2 * channelStep] = third![data[i + blue!]];
    if (fourth !== undefined) elements[at + 3 * channelStep] = fourth[step === 4 ? data[i + 3] : OPAQUE];
  }
}
