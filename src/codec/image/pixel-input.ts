import { ServingError } from "../../base/serving-error.ts";
import type { DType } from "../../tensor/dtype.ts";
import type { Shape } from "../../tensor/shape.ts";
import type { TensorInfo } from "../../tensor/signature.ts";
import type { ChannelOrder, ImageRules, ImageSize, PixelLayout } from "./image-rules.ts";

/** How many values a pixel has, by what it is made of. */
export const CHANNEL_COUNT: Readonly<Record<ChannelOrder, number>> = { L: 1, RGB: 3, BGR: 3, RGBA: 4 };

const ORDERS: ReadonlyMap<number, ChannelOrder> = new Map([
  [1, "L"],
  [3, "RGB"],
  [4, "RGBA"],
]);

const PIXEL_TYPES: ReadonlySet<DType> = new Set([
  "uint8",
  "int8",
  "uint16",
  "int16",
  "uint32",
  "int32",
  "uint64",
  "int64",
  "float16",
  "bfloat16",
  "float32",
  "float64",
] as const);

/** What each axis of a pixel input is. Sizes are -1 where they are free. */
export interface PixelAxes {
  readonly layout: PixelLayout;
  /** How many images the first axis takes; undefined where there is no such axis. */
  readonly batch: number | undefined;
  readonly height: number;
  readonly width: number;
  readonly channels: ChannelOrder;
  /** Whether the tensor has an axis for channels, and one for each side. */
  readonly form: "channels" | "no-channels" | "flat";
}

/** Whether images can be decoded for an input: its type is numeric and it has 3 or 4 dimensions, or 2 and the rules name a size. */
export function isPixelInput(info: TensorInfo, rules: ImageRules): boolean {
  return pixelAxes(info, rules) !== undefined;
}

/**
 * What the axes of an input are, or undefined where it cannot be pixels. Where both the first and the last axis of an image could be
 * its channels, they are last.
 */
export function pixelAxes(info: TensorInfo, rules: ImageRules): PixelAxes | undefined {
  const { dtype, shape } = info;
  if (shape === undefined || !PIXEL_TYPES.has(dtype)) return undefined;
  if (shape.length === 4) return imageAxes(shape.slice(1), shape[0], rules);
  if (shape.length === 3) return withoutChannels(shape, rules) ?? imageAxes(shape, undefined, rules);
  return shape.length === 2 && rules.size !== undefined ? flatAxes(shape, rules.size, rules) : undefined;
}

function imageAxes(shape: Shape, batch: number | undefined, rules: ImageRules): PixelAxes | undefined {
  const [first, second, third] = shape as readonly [number, number, number];
  const layout = rules.layout ?? guessLayout(first, third);
  const count = layout === "NHWC" ? third : first;
  const channels = count < 0 ? (rules.channels ?? "RGB") : channelsOf(count, rules);
  if (channels === undefined) return undefined;
  const [height, width] = layout === "NHWC" ? [first, second] : [second, third];
  return { layout, batch, height, width, channels, form: "channels" };
}

function guessLayout(first: number, last: number): PixelLayout {
  if (ORDERS.has(last)) return "NHWC";
  return ORDERS.has(first) || last >= 0 ? "NCHW" : "NHWC";
}

/** `[batch, height, width]`: a free number of images without colour. */
function withoutChannels(shape: Shape, rules: ImageRules): PixelAxes | undefined {
  const [batch, height, width] = shape as readonly [number, number, number];
  if (batch >= 0 || height < 0 || width < 0 || ORDERS.has(width) || rules.layout !== undefined) return undefined;
  return { layout: "NHWC", batch, height, width, channels: "L", form: "no-channels" };
}

/** `[batch, values]`, with a size that the rules name. */
function flatAxes(shape: Shape, { width, height }: ImageSize, rules: ImageRules): PixelAxes | undefined {
  const [batch, values] = shape as readonly [number, number];
  const count = values / (width * height);
  const channels = values < 0 ? (rules.channels ?? "RGB") : channelsOf(count, rules);
  if (channels === undefined) return undefined;
  return { layout: rules.layout ?? "NHWC", batch, height, width, channels, form: "flat" };
}

function channelsOf(count: number, rules: ImageRules): ChannelOrder | undefined {
  const usual = ORDERS.get(count);
  return usual !== undefined && rules.channels !== undefined && CHANNEL_COUNT[rules.channels] === count ? rules.channels : usual;
}

/**
 * {@link pixelAxes} of an input that must take images by these rules, and the size that they must have, where it is known beforehand.
 * @throws ServingError invalid-argument that names the input and the rule when they contradict each other.
 */
export function requirePixels(info: TensorInfo, rules: ImageRules): { readonly axes: PixelAxes; readonly size?: ImageSize } {
  const axes = pixelAxes(info, rules);
  if (axes === undefined) throw notPixels(info, rules);
  const { width, height, channels } = axes;
  if (rules.channels !== undefined && rules.channels !== channels) {
    throw contradiction(info, `channels=${rules.channels}`, `${CHANNEL_COUNT[channels]} of them`);
  }
  const { size = { width, height } } = rules;
  if ((width >= 0 && size.width !== width) || (height >= 0 && size.height !== height)) {
    const side = (length: number) => (length < 0 ? "any" : String(length));
    throw contradiction(info, `size ${size.width}x${size.height}`, `${side(width)}x${side(height)} (width x height)`);
  }
  if (size.width >= 0 && size.height >= 0) return { axes, size };
  if (size.width < 0 && size.height < 0) return { axes };
  throw invalid(`${describe(info)} has one free side: name size=WIDTHxHEIGHT`);
}

/** The shape of so many images of a size. */
export function pixelShape({ layout, batch, channels, form }: PixelAxes, count: number, { width, height }: ImageSize): Shape {
  const depth = CHANNEL_COUNT[channels];
  const image = layout === "NHWC" ? [height, width, depth] : [depth, height, width];
  if (form === "flat") return [count, height * width * depth];
  if (form === "no-channels") return [count, height, width];
  return batch === undefined ? image : [count, ...image];
}

function notPixels(info: TensorInfo, rules: ImageRules): ServingError {
  const { dtype, shape } = info;
  if (!PIXEL_TYPES.has(dtype) || shape === undefined) return invalid(`${describe(info)} takes no images`);
  if (shape.length === 2 && rules.size === undefined) {
    return invalid(`${describe(info)} takes images only with size=WIDTHxHEIGHT`);
  }
  const expected = rules.layout === undefined ? "" : ` as ${rules.layout}`;
  return invalid(
    `${describe(info)} takes no images${expected}: expected [batch, height, width, channels] or [batch, channels, height, width] ` +
      "with 1, 3 or 4 channels",
  );
}

function contradiction(info: TensorInfo, rule: string, has: string): ServingError {
  return invalid(`image rule ${rule} does not fit ${describe(info)}, which has ${has}`);
}

/** An input as messages call it. */
export function describe({ alias, dtype, shape }: TensorInfo): string {
  return `input "${alias}" (${dtype}${shape === undefined ? "" : ` [${shape.join(",")}]`})`;
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
