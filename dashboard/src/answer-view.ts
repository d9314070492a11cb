import type { TensorDetail } from "../../src/api/dashboard/dashboard-messages.ts";
import { isList, isObject, type Json } from "./exact-json.ts";

/** One output of an answer. */
export interface Output {
  readonly alias: string;
  readonly value: Json;
}

/** A class with its score. */
export interface Score {
  readonly label: string;
  readonly score: number;
}

/** Pixels from 0 to 255, four to a point: red, green, blue, opaqueness. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** How an output is best looked at. */
export type OutputView =
  | { readonly kind: "scores"; readonly rows: readonly (readonly Score[])[] }
  | { readonly kind: "images"; readonly images: readonly Picture[] }
  | { readonly kind: "table"; readonly rows: readonly (readonly Json[])[] }
  | { readonly kind: "json" };

const MOST_SCORES = 1000;
const MOST_COLUMNS = 64;
const SMALLEST_PICTURE = 8;
const MOST_PICTURES = 8;

/** The outputs of a predict answer, by the names of the signature; empty where the answer is none. */
export function outputsOf(answer: Json, tensors: readonly TensorDetail[]): readonly Output[] {
  if (!isObject(answer)) return [];
  const columns = answer.get("outputs");
  const rows = answer.get("predictions");
  const only = tensors.length === 1 ? tensors[0]!.alias : "output";
  if (columns !== undefined) {
    if (tensors.length === 1 || !isObject(columns)) return [{ alias: only, value: columns }];
    return [...columns].map(([alias, value]) => ({ alias, value }));
  }
  if (!isList(rows)) return [];
  if (tensors.length === 1 || rows.length === 0 || !rows.every(isObject)) return [{ alias: only, value: rows }];
  const aliases = [...(rows[0] as ReadonlyMap<string, Json>).keys()];
  return aliases.map((alias) => ({ alias, value: rows.map((row) => (row as ReadonlyMap<string, Json>).get(alias) ?? null) }));
}

/** How to look at one of the outputs of an answer. */
export function viewOf(output: Output, outputs: readonly Output[], dtype?: string): OutputView {
  const shape = shapeOf(output.value);
  if (shape === undefined) return { kind: "json" };
  const images = picturesOf(output.value, shape);
  if (images !== undefined) return { kind: "images", images };
  const last = shape.at(-1) ?? 0;
  const vector = (shape.length === 1 || shape.length === 2) && last >= 2 && last <= MOST_SCORES;
  if (vector && (dtype === undefined || /float/.test(dtype)) && everyElement(output.value, isScore)) {
    // A list as long as the batch is a value for each row, not a score for each class.
    if (shape.length === 2 || outputs.every((other) => other === output || labelled(other, last))) {
      return { kind: "scores", rows: scoresOf(output.value as readonly Json[], shape, labelsFor(last, shape, outputs)) };
    }
  }
  if (shape.length === 0) return { kind: "table", rows: [[output.value]] };
  if (shape.length === 1) return { kind: "table", rows: (output.value as readonly Json[]).map((cell) => [cell]) };
  if (shape.length === 2 && last <= MOST_COLUMNS) return { kind: "table", rows: output.value as readonly (readonly Json[])[] };
  return { kind: "json" };
}

/** The sizes of nested lists, outermost first; undefined for ragged ones and for objects in them. */
export function shapeOf(value: Json): readonly number[] | undefined {
  if (isObject(value)) return value.has("b64") ? [] : undefined;
  if (!isList(value)) return [];
  const [first] = value;
  if (first === undefined) return [0];
  const inner = shapeOf(first);
  if (inner === undefined) return undefined;
  const same = value.every((item) => {
    const other = item === first ? inner : shapeOf(item);
    return other !== undefined && other.length === inner.length && other.every((size, index) => size === inner[index]);
  });
  return same ? [value.length, ...inner] : undefined;
}

function everyElement(value: Json, fits: (element: Json) => boolean): boolean {
  return isList(value) ? value.every((item) => everyElement(item, fits)) : fits(value);
}

function isScore(value: Json): boolean {
  return typeof value === "number";
}

function labelled({ value }: Output, count: number): boolean {
  const shape = shapeOf(value);
  return shape?.at(-1) === count && everyElement(value, (element) => typeof element === "string");
}

/** Texts for each class, of another output of the same length. */
function labelsFor(count: number, shape: readonly number[], outputs: readonly Output[]): (row: number, index: number) => string {
  const found = outputs.find((output) => labelled(output, count));
  const depth = found && shapeOf(found.value)!.length;
  if (found === undefined || (depth !== 1 && depth !== shape.length)) return (_, index) => String(index);
  const list = found.value as readonly string[];
  const rows = found.value as readonly (readonly string[])[];
  return (row, index) => (depth === 1 ? list[index]! : rows[row]![index]!);
}

function scoresOf(
  value: readonly Json[],
  shape: readonly number[],
  label: (row: number, index: number) => string,
): readonly (readonly Score[])[] {
  const rows = (shape.length === 1 ? [value] : value) as readonly (readonly number[])[];
  return rows.map((row, r) =>
    row.map((score, index) => ({ label: label(r, index), score })).sort((a, b) => b.score - a.score || 0),
  );
}

function picturesOf(value: Json, shape: readonly number[]): readonly Picture[] | undefined {
  if (shape.length < 3 || shape.length > 4) return undefined;
  const [a, b, c] = shape.slice(-3) as [number, number, number];
  const isChannels = (size: number) => size === 1 || size === 3 || size === 4;
  const last = isChannels(c) && a >= SMALLEST_PICTURE && b >= SMALLEST_PICTURE;
  const first = isChannels(a) && b >= SMALLEST_PICTURE && c >= SMALLEST_PICTURE;
  if (!(last || first) || !everyElement(value, isScore)) return undefined;
  const all = (shape.length === 3 ? [value] : value) as readonly Json[];
  return all.slice(0, MOST_PICTURES).map((picture) => paint(picture as Pixels, last ? [a, b, c] : [b, c, a], last));
}

type Pixels = readonly (readonly (readonly number[])[])[];

function paint(pixels: Pixels, [height, width, channels]: readonly [number, number, number], channelsLast: boolean): Picture {
  const at = (y: number, x: number, channel: number) => (channelsLast ? pixels[y]![x]![channel]! : pixels[channel]![y]![x]!);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const number of pixels.flat(2)) {
    if (number < low) low = number;
    if (number > high) high = number;
  }
  // 0 to 1 and 0 to 255 mean what they say; anything else is stretched.
  const [from, to] = low >= 0 && high <= 1 ? [0, 1] : low >= 0 && high <= 255 ? [0, 255] : [low, high];
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const point = (y * width + x) * 4;
      for (let channel = 0; channel < 4; channel++) {
        const source = channels === 1 && channel < 3 ? 0 : channel;
        rgba[point + channel] = source < channels ? ((at(y, x, source) - from) / (to - from || 1)) * 255 : 255;
      }
    }
  }
  return { width, height, rgba };
}
