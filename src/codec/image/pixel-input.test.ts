import { describe, expect, test } from "vitest";
import type { DType } from "../../tensor/dtype.ts";
import type { DeclaredShape } from "../../tensor/shape.ts";
import { imageInput } from "./image-input.ts";
import { type ImageRules, readImageRules } from "./image-rules.ts";
import { isPixelInput, pixelAxes, pixelShape, requirePixels } from "./pixel-input.ts";

const input = (shape: DeclaredShape, dtype: DType = "float32", alias = "x") => ({ alias, name: alias, dtype, shape });
const rulesOf = (query: string): ImageRules => readImageRules(new URLSearchParams(query));

describe("what the axes are taken for", () => {
  test.each<[readonly number[], string, string, readonly number[]]>([
    [[-1, 224, 192, 3], "", "NHWC RGB", [2, 5, 4, 3]],
    [[-1, 3, 224, 192], "", "NCHW RGB", [2, 3, 5, 4]],
    [[-1, 28, 28, 1], "", "NHWC L", [2, 5, 4, 1]],
    [[-1, 1, 28, 28], "", "NCHW L", [2, 1, 5, 4]],
    [[-1, 4, 28, 28], "", "NCHW RGBA", [2, 4, 5, 4]],
    [[-1, 3, 4, 3], "", "NHWC RGB", [2, 5, 4, 3]],
    [[-1, 3, 4, 3], "layout=NCHW", "NCHW RGB", [2, 3, 5, 4]],
    [[-1, -1, -1, -1], "", "NHWC RGB", [2, 5, 4, 3]],
    [[-1, -1, -1, -1], "layout=NCHW&channels=L", "NCHW L", [2, 1, 5, 4]],
    [[-1, 3, -1, -1], "", "NCHW RGB", [2, 3, 5, 4]],
    [[-1, -1, 224, 224], "", "NCHW RGB", [2, 3, 5, 4]],
    [[-1, 224, 224, 3], "channels=BGR", "NHWC BGR", [2, 5, 4, 3]],
    [[224, 192, 3], "", "NHWC RGB", [5, 4, 3]],
    [[3, 224, 192], "", "NCHW RGB", [3, 5, 4]],
    [[-1, -1, 3], "", "NHWC RGB", [5, 4, 3]],
    [[-1, 28, 28], "", "NHWC L", [2, 5, 4]],
  ])("%j %s: %s", (shape, query, kind, made) => {
    const axes = pixelAxes(input(shape), rulesOf(query))!;
    expect(`${axes.layout} ${axes.channels}`).toBe(kind);
    expect(pixelShape(axes, 2, { width: 4, height: 5 })).toEqual(made);
  });

  test.each<[readonly number[], string, string | undefined]>([
    [[-1, 12], "size=4x3", "L"],
    [[-1, 36], "size=4x3", "RGB"],
    [[-1, -1], "size=4x3&channels=L", "L"],
    [[-1, 24], "size=4x3", undefined],
    [[-1, 12], "", undefined],
  ])("%j %s: a row of a table has pixels of %s", (shape, query, channels) => {
    const axes = pixelAxes(input(shape), rulesOf(query));
    expect(axes?.channels).toBe(channels);
    if (axes !== undefined) expect(pixelShape(axes, 2, { width: 4, height: 3 })).toEqual([2, channels === "L" ? 12 : 36]);
  });

  test.each<[DeclaredShape, DType]>([
    [[-1, 5, 7, 2], "float32"],
    [[-1, 5, 7, 2, 3], "float32"],
    [[-1], "float32"],
    [[], "float32"],
    [undefined, "float32"],
    [[-1, 5, 7, 3], "string"],
    [[-1, 5, 7, 3], "bool"],
    [[-1, 5, 7, 3], "complex64"],
  ])("%j of %s takes no pixels", (shape, dtype) => {
    expect(isPixelInput(input(shape, dtype), {})).toBe(false);
  });
});

describe("rules that do not fit the input are refused", () => {
  test.each<[readonly number[], string, string]>([
    [[-1, 224, 192, 3], "channels=L", 'channels=L does not fit input "x" (float32 [-1,224,192,3]), which has 3 of them'],
    [[-1, 224, 192, 3], "layout=NCHW", "takes no images as NCHW"],
    [[-1, 224, 192, 3], "size=10x10", "size 10x10 does not fit input"],
    [[-1, 224, 192, 3], "size=224x192", "which has 192x224 (width x height)"],
    [[-1, -1, 192, 3], "", "has one free side: name size=WIDTHxHEIGHT"],
    [[-1, 12], "", "takes images only with size=WIDTHxHEIGHT"],
    [[-1, 5, 7, 2], "", "expected [batch, height, width, channels] or [batch, channels, height, width] with 1, 3 or 4 channels"],
  ])("%j %s: %s", (shape, query, message) => {
    const error = expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining(message) });
    expect(() => requirePixels(input(shape), rulesOf(query))).toThrow(error);
  });
});

describe("the input that takes images", () => {
  const signature = (...inputs: ReturnType<typeof input>[]) => ({ inputs, outputs: [], methodName: "" });
  const photo = input([-1, 8, 8, 3], "uint8", "photo");
  const other = input([-1, 8, 8, 3], "uint8", "other");
  const text = input([-1], "string", "text");
  const number = input([-1], "float32", "number");

  test.each([
    ["the only one that can", signature(number, photo), "", [], "photo"],
    ["a string input too", signature(number, text), "", [], "text"],
    ["the one that is named", signature(photo, other), "input=other", [], "other"],
    ["the one that has no value yet", signature(photo, other), "", ["photo"], "other"],
  ])("is %s", (_, of, query, given, alias) => {
    expect(imageInput(of, rulesOf(query), new Map(given.map((name) => [name, 1]))).alias).toBe(alias);
  });

  test.each([
    [signature(photo, text), "", 'several inputs can take images, name one with input=: "photo", "text"'],
    [signature(number), "", 'no input takes images: input "number" (float32 [-1])'],
    [signature(input([-1, 64])), "", "with size=WIDTHxHEIGHT one of two dimensions does"],
    [signature(photo), "input=none", 'image rule input is "none", the inputs are: "photo"'],
  ])("is refused otherwise (%#)", (of, query, message) => {
    const error = expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining(message) });
    expect(() => imageInput(of, rulesOf(query), new Map())).toThrow(error);
  });
});
