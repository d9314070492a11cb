import { ServingError } from "../../base/serving-error.ts";

/** Width and height in pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** How an image of another size is made to fit: its sides scaled apart, cut, padded, or not at all. */
export type ResizeMode = "stretch" | "cover" | "contain" | "none";

/** What a pixel is made of, in the order of the tensor. */
export type ChannelOrder = "L" | "RGB" | "RGBA" | "BGR";

/** Whether a pixel's channels lie together, or each channel's pixels. */
export type PixelLayout = "NHWC" | "NCHW";

/** A factor as it was written: `1/255` divides by 255, which is not quite what multiplying with the nearest number does. */
export interface Scale {
  readonly times: number;
  readonly over: number;
}

/** What the caller says about turning images into a tensor; what is absent the signature tells. */
export interface ImageRules {
  /** Alias of the input that takes the images. */
  readonly input?: string;
  readonly resize?: ResizeMode;
  /** Of the image in the tensor. */
  readonly size?: ImageSize;
  readonly channels?: ChannelOrder;
  readonly layout?: PixelLayout;
  /** A value of 0 to 255 becomes `(value * scale - mean) / std`. */
  readonly scale?: Scale;
  /** One number, or one for each channel in the tensor's order. */
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  /** What lies below transparent pixels and beside an image that was padded: red, green, blue. */
  readonly background?: readonly [number, number, number];
}

/** Names of the rules, as query parameters and as fields of a form. */
export const IMAGE_RULES: readonly string[] = [
  "input",
  "resize",
  "size",
  "channels",
  "layout",
  "scale",
  "mean",
  "std",
  "preset",
  "background",
];

const PRESETS: ReadonlyMap<string, ImageRules> = new Map([
  ["raw", { scale: { times: 1, over: 1 } }],
  ["unit", { scale: { times: 1, over: 255 } }],
  ["symmetric", { scale: { times: 1, over: 127.5 }, mean: [1] }],
  [
    "imagenet",
    { scale: { times: 1, over: 255 }, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], channels: "RGB" } as const,
  ],
  ["caffe", { scale: { times: 1, over: 1 }, mean: [103.939, 116.779, 123.68], channels: "BGR" } as const],
]);

const RESIZE_MODES: ReadonlySet<string> = new Set(["stretch", "cover", "contain", "none"]);

const CHANNELS: ReadonlyMap<string, ChannelOrder> = new Map([
  ["1", "L"],
  ["3", "RGB"],
  ["4", "RGBA"],
  ["L", "L"],
  ["RGB", "RGB"],
  ["RGBA", "RGBA"],
  ["BGR", "BGR"],
]);

const COLOURS: ReadonlyMap<string, readonly [number, number, number]> = new Map([
  ["black", [0, 0, 0]],
  ["white", [255, 255, 255]],
]);

/** Longest side that a rule may ask for. */
const LONGEST_SIDE = 16_384;

/**
 * Reads rules from pairs of a name and a value, as the parameters of a query or the fields of a form are.
 * @throws ServingError invalid-argument for an unknown or repeated name, a value that is not allowed, or rules that contradict each other.
 */
export function readImageRules(values: Iterable<readonly [name: string, value: string]>): ImageRules {
  const given = new Map<string, string>();
  for (const [name, value] of values) {
    if (!IMAGE_RULES.includes(name)) throw invalid(`unknown image rule ${quoted(name)}, there are: ${IMAGE_RULES.join(", ")}`);
    if (given.has(name)) throw invalid(`image rule ${name} is given twice`);
    given.set(name, value);
  }
  const rules = {
    ...read(given, "input", (text) => text || undefined, "an input's name"),
    ...readResize(given),
    ...read(given, "channels", (text) => CHANNELS.get(text.toUpperCase()), "1, 3, 4, L, RGB, RGBA or BGR"),
    ...read(given, "layout", layout, "NHWC or NCHW"),
    ...read(given, "scale", scale, "a number that is not 0, or two as in 1/255"),
    ...read(given, "mean", numbers, "one number, or one for each channel: 0.485,0.456,0.406"),
    ...read(given, "std", (text) => nonZero(numbers(text)), "one number that is not 0, or one for each channel"),
    ...read(given, "background", colour, "black, white or #RRGGBB"),
  };
  return given.has("preset") ? withPreset(given.get("preset")!, rules) : rules;
}

function readResize(given: ReadonlyMap<string, string>): Pick<ImageRules, "resize" | "size"> {
  const sized = read(given, "size", size, `WIDTHxHEIGHT, each of 1 to ${LONGEST_SIDE}`);
  const text = given.get("resize");
  const short = text === undefined ? undefined : size(text);
  if (short === undefined) {
    const mode = (value: string) => (RESIZE_MODES.has(value) ? (value as ResizeMode) : undefined);
    return { ...sized, ...read(given, "resize", mode, "stretch, cover, contain, none or WIDTHxHEIGHT") };
  }
  if ("size" in sized) throw invalid("image rules resize and size both name a size");
  return { size: short };
}

function withPreset(name: string, rules: ImageRules): ImageRules {
  const preset = PRESETS.get(name);
  if (preset === undefined) throw wrong("preset", name, [...PRESETS.keys()].join(", "));
  for (const rule of ["scale", "mean", "std"] as const) {
    if (rules[rule] !== undefined) throw invalid(`image rules preset and ${rule} contradict: a preset sets scale, mean and std`);
  }
  if (preset.channels !== undefined && rules.channels !== undefined && preset.channels !== rules.channels) {
    throw invalid(`image rules preset=${name} and channels contradict: this preset has channels ${preset.channels}`);
  }
  return { ...rules, ...preset };
}

/** The rule as a member of the rules, or nothing where it was not given. */
function read<Key extends keyof ImageRules, Value>(
  given: ReadonlyMap<string, string>,
  name: Key,
  parse: (text: string) => Value | undefined,
  allowed: string,
): { readonly [K in Key]?: Value } {
  const text = given.get(name);
  if (text === undefined) return {};
  const value = parse(text);
  if (value === undefined) throw wrong(name, text, allowed);
  return { [name]: value } as { readonly [K in Key]: Value };
}

function size(text: string): ImageSize | undefined {
  const [, width, height] = (/^(\d{1,5})x(\d{1,5})$/i.exec(text) ?? []).map(Number);
  if (width === undefined || height === undefined) return undefined;
  const fits = (side: number) => side >= 1 && side <= LONGEST_SIDE;
  return fits(width) && fits(height) ? { width, height } : undefined;
}

function layout(text: string): PixelLayout | undefined {
  const upper = text.toUpperCase();
  return upper === "NHWC" || upper === "NCHW" ? upper : undefined;
}

function scale(text: string): Scale | undefined {
  const [times, over, ...rest] = text.split("/").map(number);
  if (!times || rest.length > 0 || (text.includes("/") && !over)) return undefined;
  return { times, over: over ?? 1 };
}

function numbers(text: string): readonly number[] | undefined {
  const values = text.split(",").map(number);
  return values.length <= 4 && values.every((value) => value !== undefined) ? values : undefined;
}

function nonZero(values: readonly number[] | undefined): readonly number[] | undefined {
  return values?.includes(0) ? undefined : values;
}

function number(text: string): number | undefined {
  const value = /^\s*[-+]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(?:e[-+]?\d{1,3})?\s*$/i.test(text) ? Number(text) : undefined;
  return Number.isFinite(value) ? value : undefined;
}

function colour(text: string): readonly [number, number, number] | undefined {
  const hex = /^#?([\da-f]{2})([\da-f]{2})([\da-f]{2})$/i.exec(text);
  if (hex === null) return COLOURS.get(text.toLowerCase());
  return [Number.parseInt(hex[1], 16), Number.parseInt(hex[2], 16), Number.parseInt(hex[3], 16)];
}

function wrong(name: string, text: string, allowed: string): ServingError {
  return invalid(`image rule ${name} is ${quoted(text)}, must be ${allowed}`);
}

function quoted(text: string): string {
  return JSON.stringify(text.length <= 40 ? text : `${text.slice(0, 40)}...`);
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
