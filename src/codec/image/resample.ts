import type { ImageSize } from "./image-rules.ts";
import { nextTurn, PIXELS_A_TURN } from "./next-turn.ts";
import type { Box } from "./placement.ts";
import type { RawImage } from "./raw-image.ts";

/** Bits after the point of a weight: the sum of weights times 255 stays within 31 bits. */
const FRACTION_BITS = 22;
const HALF = 1 << (FRACTION_BITS - 1);

/** What one row or column of pixels is made of. */
interface Weights {
  /** The first pixel that counts, for each of the result's. */
  readonly first: Int32Array;
  /** How many do. */
  readonly count: Int32Array;
  /** `most` for each of the result's. */
  readonly values: Int32Array;
  readonly most: number;
}

/**
 * The part of an image within `from`, as an image of another size. Each pixel is the mean of those it covers, weighted by a triangle
 * twice as wide as it, or as two pixels where the image grows: bilinear as Pillow and torchvision have it, to the bit. Rows first,
 * rounded to whole values, then columns. Rejects with the signal's reason once it aborts.
 */
export async function resample(image: RawImage, from: Box, { width, height }: ImageSize, signal: AbortSignal): Promise<RawImage> {
  const { channels } = image;
  const across = triangleWeights(image.width, from.left, from.width, width);
  const down = triangleWeights(image.height, from.top, from.height, height);
  const narrowed = new Uint8Array(width * image.height * channels);
  const data = new Uint8Array(width * height * channels);
  const steps = new Turns(signal);
  for (let y = 0; y < image.height; y++) {
    narrowRow(image, y, across, narrowed, width);
    if (steps.after(image.width)) await steps.next();
  }
  const rowLength = width * channels;
  for (let y = 0; y < height; y++) {
    mixRows(narrowed, rowLength, down, y, data);
    if (steps.after(width * down.count[y])) await steps.next();
  }
  return { width, height, channels, data };
}

/** Counts work, so that others have their turn. */
class Turns {
  private readonly signal: AbortSignal;
  private done = 0;

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  /** Whether so many pixels more are enough. */
  after(pixels: number): boolean {
    this.done += pixels;
    return this.done >= PIXELS_A_TURN;
  }

  next(): Promise<void> {
    this.done = 0;
    return nextTurn(this.signal);
  }
}

function triangleWeights(size: number, start: number, length: number, result: number): Weights {
  const scale = length / result;
  const radius = Math.max(scale, 1);
  const most = Math.ceil(radius) * 2 + 1;
  const first = new Int32Array(result);
  const count = new Int32Array(result);
  const values = new Int32Array(result * most);
  const exact = new Float64Array(most);
  for (let i = 0; i < result; i++) {
    const centre = start + (i + 0.5) * scale;
    const low = Math.max(0, Math.trunc(centre - radius + 0.5));
    const high = Math.min(size, Math.trunc(centre + radius + 0.5));
    let sum = 0;
    for (let x = low; x < high; x++) sum += exact[x - low] = Math.max(0, 1 - Math.abs((x - centre + 0.5) / radius));
    for (let x = 0; x < high - low; x++) values[i * most + x] = Math.floor(0.5 + (exact[x] / sum) * 2 ** FRACTION_BITS);
    first[i] = low;
    count[i] = high - low;
  }
  return { first, count, values, most };
}

function narrowRow({ data, width, channels }: RawImage, y: number, weights: Weights, target: Uint8Array, result: number): void {
  const { first, count, values, most } = weights;
  let to = y * result * channels;
  for (let i = 0; i < result; i++) {
    const start = (y * width + first[i]) * channels;
    const [from, end] = [i * most, i * most + count[i]];
    for (let channel = 0; channel < channels; channel++) {
      let sum = HALF;
      for (let weight = from, at = start + channel; weight < end; weight++, at += channels) sum += data[at] * values[weight];
      target[to++] = sum >> FRACTION_BITS;
    }
  }
}

function mixRows(rows: Uint8Array, rowLength: number, weights: Weights, y: number, target: Uint8Array): void {
  const [from, end] = [y * weights.most, y * weights.most + weights.count[y]];
  const { values } = weights;
  const start = weights.first[y] * rowLength;
  for (let i = 0; i < rowLength; i++) {
    let sum = HALF;
    for (let weight = from, at = start + i; weight < end; weight++, at += rowLength) sum += rows[at] * values[weight];
    target[y * rowLength + i] = sum >> FRACTION_BITS;
  }
}
