import type { TensorDetail } from "../../src/api/dashboard/dashboard-messages.ts";

/** How an input is filled in: cells of a grid, texts, files, or JSON. */
export type Editor = "cells" | "texts" | "files" | "json";

/** What pixels of an image are to a model. */
export interface PixelForm {
  readonly layout: "NHWC" | "NCHW";
  /** 1, 3 or 4. */
  readonly channels: number;
  /** Absent where the model takes any. */
  readonly height?: number;
  readonly width?: number;
}

/** Columns that a grid may have before it is easier to write JSON. */
const MOST_COLUMNS = 32;

/** The ways in which an input can be filled in, the most natural first. JSON is always one. */
export function editorsOf(tensor: TensorDetail): readonly [Editor, ...Editor[]] {
  const { dtype, shape, alias, nullable } = tensor;
  if (shape === undefined) return dtype === "string" ? ["texts", "files", "json"] : ["json"];
  if (dtype === "string" && shape.length < 2) {
    // Tables have no pictures.
    if (nullable === true) return ["texts", "json"];
    return /image|img|photo|picture|jpe?g|png|bytes/i.test(alias) ? ["files", "texts", "json"] : ["texts", "files", "json"];
  }
  if (pixelFormOf(tensor) !== undefined) return ["files", "json"];
  if (shape.length < 2 || (shape.length === 2 && shape[1]! <= MOST_COLUMNS)) return ["cells", "json"];
  return ["json"];
}

/** How an input takes an image's pixels; undefined for one that hardly means an image. */
export function pixelFormOf({ dtype, shape }: Pick<TensorDetail, "dtype" | "shape">): PixelForm | undefined {
  if (shape === undefined || shape.length < 3 || shape.length > 4 || !/^(uint8|float|bfloat)/.test(dtype)) return undefined;
  const [a, b, c] = shape.slice(-3) as [number, number, number];
  if (isChannels(c)) return pixelForm("NHWC", c, a, b);
  return isChannels(a) ? pixelForm("NCHW", a, b, c) : undefined;
}

function isChannels(size: number): boolean {
  return size === 1 || size === 3 || size === 4;
}

function pixelForm(layout: PixelForm["layout"], channels: number, height: number, width: number): PixelForm {
  return { layout, channels, ...(height > 0 && { height }), ...(width > 0 && { width }) };
}
