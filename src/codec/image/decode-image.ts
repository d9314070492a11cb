import type { Sharp, SharpConstructor } from "sharp";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import { readBmpHeader } from "./bmp-header.ts";
import type { EncodedImage } from "./encoded-image.ts";
import { checkHeaderParts } from "./header-parts.ts";
import { IMAGE_FORMATS, type ImageFormat, imageFormat } from "./image-format.ts";
import type { ImageRules, ImageSize } from "./image-rules.ts";
import { loadSharp } from "./load-sharp.ts";
import { type Box, type Placement, placement } from "./placement.ts";
import type { RawImage } from "./raw-image.ts";
import { readBmp } from "./read-bmp.ts";
import { resample } from "./resample.ts";

/** Most pixels of an image as it was sent. */
const MOST_PIXELS = 50_000_000;

/** Longest side, as in JPEG: the library cannot shrink by a million, takes seconds for less, and what is left is no picture. */
const LONGEST_SIDE = 65_535;

/** Larger images are made smaller by the library, off this thread: its result differs a little from {@link resample}'s. */
const RESAMPLED_HERE = 512 * 512;

/** Most pixels before, between and after the two steps of {@link resample}; the library enlarges what has more. */
const MOST_RESAMPLED = 16 * 1024 * 1024;

/** Longest that the library may take for an image; it cannot be interrupted. */
const LONGEST_SECONDS = 20;

const BLACK = [0, 0, 0] as const;

/** What the pixels of an image should be like. */
export interface WantedPixels {
  /** Undefined: the image's own. */
  readonly size: ImageSize | undefined;
  /** Transparent pixels are laid on the background where alpha is not wanted. */
  readonly alpha: boolean;
  readonly rules: ImageRules;
}

/** An image that is known to be one, and how large it is, turned upright. */
export interface OpenedImage extends ImageSize {
  /**
   * Its pixels. Rejects with invalid-argument when the data is broken or cut off, or the size is another and must not be changed; with the
   * signal's reason once it aborts.
   */
  decode(wanted: WantedPixels, signal: AbortSignal): Promise<RawImage>;
}

/**
 * Reads an image's headers: of an animation its first picture, of several pages the first.
 *
 * Rejects with invalid-argument, `NAME: ...`, when it is of no format that is taken, its headers are broken or have too many parts
 * ({@link checkHeaderParts}), it has more than 50 million pixels or a side of more than 65535; failed-precondition when sharp is not installed.
 */
export async function openImage(image: EncodedImage): Promise<OpenedImage> {
  const library = await loadSharp();
  const format = imageFormat(image.bytes);
  if (format === undefined) {
    throw invalid(image, image.bytes.length === 0 ? "it is empty" : `it is no image that is taken: ${IMAGE_FORMATS}`);
  }
  return format === "BMP" ? openBmp(library, image) : await openCoded(library, image, format);
}

async function openCoded(library: SharpConstructor, image: EncodedImage, format: ImageFormat): Promise<OpenedImage> {
  await checkHeaderParts(image.bytes, format).catch((reason: unknown) => fail(image, reason));
  const bytes = Buffer.from(image.bytes.buffer, image.bytes.byteOffset, image.bytes.length);
  // Training does not apply colour profiles, so they are left aside here too.
  const options = { failOn: "error", limitInputPixels: MOST_PIXELS, ignoreIcc: true, autoOrient: true } as const;
  const { autoOrient: own } = await library(bytes, { ...options, limitInputPixels: false })
    .metadata()
    .catch((cause: unknown) => {
      throw invalid(image, `its ${format} headers are broken`, { cause });
    });
  checkPixels(image, own);
  return {
    ...own,
    decode: (wanted, signal) =>
      decoded(image, own, wanted, signal, (alpha, change) => {
        const steps = library(bytes, options);
        const { background: [r, g, b] = BLACK } = wanted.rules;
        return run(image, change(alpha ? steps : steps.flatten({ background: { r, g, b } }).removeAlpha()), format);
      }),
  };
}

function openBmp(library: SharpConstructor, image: EncodedImage): OpenedImage {
  const header = inside(image, () => readBmpHeader(image.bytes));
  checkPixels(image, header);
  const { width, height } = header;
  return {
    width,
    height,
    decode: (wanted, signal) =>
      decoded(image, header, wanted, signal, async (alpha, change) => {
        const { data, channels } = await readBmp(image.bytes, header, signal).catch((reason: unknown) => fail(image, reason));
        const steps = library(data, { raw: { width, height, channels }, limitInputPixels: MOST_PIXELS });
        const { background: [r, g, b] = BLACK } = wanted.rules;
        return run(image, change(alpha ? steps : steps.flatten({ background: { r, g, b } }).removeAlpha()), "BMP");
      }),
  };
}

/** Reads the pixels after steps of the library's that change the size. */
type ReadPixels = (alpha: boolean, change: (steps: Sharp) => Sharp) => Promise<RawImage>;

async function decoded(
  image: EncodedImage,
  own: ImageSize,
  { size, alpha, rules: { resize = "stretch", background = BLACK } }: WantedPixels,
  signal: AbortSignal,
  read: ReadPixels,
): Promise<RawImage> {
  throwIfAborted(signal);
  if (size === undefined || (size.width === own.width && size.height === own.height)) return await read(alpha, (steps) => steps);
  if (resize === "none") {
    throw invalid(
      image,
      `it has ${own.width}x${own.height} pixels, the input takes ${size.width}x${size.height}: ` +
        "resize=stretch, cover or contain makes it fit",
    );
  }
  const place = placement(own, size, resize);
  const resized = await resizedBy(own, place, alpha, signal, read);
  throwIfAborted(signal);
  return padded(resized, place.to, size, background);
}

/** Transparent pixels must not lend others their colour, which the library sees to. */
async function resizedBy(
  own: ImageSize,
  { from, to }: Placement,
  alpha: boolean,
  signal: AbortSignal,
  read: ReadPixels,
): Promise<RawImage> {
  const pixels = own.width * own.height;
  const grows = to.width > from.width || to.height > from.height;
  const fits = Math.max(pixels, to.width * own.height) <= MOST_RESAMPLED;
  if (!alpha && fits && (grows || pixels <= RESAMPLED_HERE)) {
    const image = await read(alpha, (steps) => steps);
    throwIfAborted(signal);
    return await resample(image, from, to, signal);
  }
  return await read(alpha, (steps) => {
    const part = wholePixels(from, own);
    const cut = part.width === own.width && part.height === own.height ? steps : steps.extract(part);
    return cut.resize({ width: to.width, height: to.height, fit: "fill", kernel: "linear", fastShrinkOnLoad: false });
  });
}

function wholePixels({ left, top, width, height }: Box, own: ImageSize): Box {
  const [x, y] = [Math.round(left), Math.round(top)];
  return {
    left: x,
    top: y,
    width: Math.max(1, Math.min(Math.round(width), own.width - x)),
    height: Math.max(1, Math.min(Math.round(height), own.height - y)),
  };
}

function padded(image: RawImage, { left, top }: Box, { width, height }: ImageSize, background: readonly number[]): RawImage {
  const { channels } = image;
  if (image.width === width && image.height === height) return image;
  const data = new Uint8Array(width * height * channels);
  const pixel = Uint8Array.of(...background, 255).subarray(0, channels);
  for (let at = 0; at < data.length; at += channels) data.set(pixel, at);
  for (let y = 0; y < image.height; y++) {
    const row = image.data.subarray(y * image.width * channels, (y + 1) * image.width * channels);
    data.set(row, ((top + y) * width + left) * channels);
  }
  return { width, height, channels, data };
}

async function run(image: EncodedImage, steps: Sharp, format: string): Promise<RawImage> {
  const { data, info } = await steps
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .timeout({ seconds: LONGEST_SECONDS })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      const late = cause instanceof Error && cause.message.startsWith("timeout");
      const fault = late ? `takes longer than ${LONGEST_SECONDS} s to decode` : "is broken or cut off";
      throw invalid(image, `its ${format} data ${fault}`, { cause });
    });
  const { width, height, channels } = info;
  if (channels !== 3 && channels !== 4) throw new Error(`an image was decoded to ${channels} channels`);
  return { width, height, channels, data };
}

function checkPixels(image: EncodedImage, { width, height }: ImageSize): void {
  const size = `it has ${width}x${height} pixels`;
  if (width * height > MOST_PIXELS) throw invalid(image, `${size}, of at most ${MOST_PIXELS / 1e6} million`);
  if (Math.max(width, height) > LONGEST_SIDE) throw invalid(image, `${size}, no side may have more than ${LONGEST_SIDE}`);
}

/** Does the work and puts the image's name before what it throws. */
function inside<Result>(image: EncodedImage, work: () => Result): Result {
  try {
    return work();
  } catch (reason) {
    return fail(image, reason);
  }
}

/** Throws what was thrown, with the image's name before it. */
function fail(image: EncodedImage, reason: unknown): never {
  if (!(reason instanceof ServingError) || reason.code !== "invalid-argument") throw reason;
  throw invalid(image, reason.message, { cause: reason });
}

function invalid({ name }: EncodedImage, rest: string, options?: ErrorOptions): ServingError {
  return new ServingError("invalid-argument", `${name}: ${rest}`, options);
}
