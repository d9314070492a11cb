import { describe, expect, test } from "vitest";
import { IMAGE_RULES, readImageRules } from "./image-rules.ts";

describe("what is read", () => {
  test.each<[string, object]>([
    ["", {}],
    ["input=x", { input: "x" }],
    ["resize=cover&size=4x2", { resize: "cover", size: { width: 4, height: 2 } }],
    ["resize=224x192", { size: { width: 224, height: 192 } }],
    ["channels=1", { channels: "L" }],
    ["channels=bgr", { channels: "BGR" }],
    ["layout=nchw", { layout: "NCHW" }],
    ["scale=1/255", { scale: { times: 1, over: 255 } }],
    ["scale=2e-1", { scale: { times: 0.2, over: 1 } }],
    ["mean=0.5&std=.5,1,2", { mean: [0.5], std: [0.5, 1, 2] }],
    ["mean=-1, 2 ,3", { mean: [-1, 2, 3] }],
    ["background=white", { background: [255, 255, 255] }],
    ["background=%230aF010", { background: [10, 240, 16] }],
    ["preset=symmetric", { scale: { times: 1, over: 127.5 }, mean: [1] }],
    ["preset=caffe&channels=BGR", { channels: "BGR", scale: { times: 1, over: 1 }, mean: [103.939, 116.779, 123.68] }],
  ])("%s", (query, rules) => {
    expect(readImageRules(new URLSearchParams(query))).toEqual(rules);
  });
});

describe("what is refused, and why", () => {
  test.each<[string, string]>([
    ["reszie=cover", `unknown image rule "reszie", there are: ${IMAGE_RULES.join(", ")}`],
    ["__proto__=1", 'unknown image rule "__proto__"'],
    ["size=4x4&size=4x4", "image rule size is given twice"],
    ["input=", 'image rule input is "", must be an input\'s name'],
    ["resize=crop", 'image rule resize is "crop", must be stretch, cover, contain, none or WIDTHxHEIGHT'],
    ["resize=4x4&size=5x5", "resize and size both name a size"],
    ["size=0x4", 'size is "0x4", must be WIDTHxHEIGHT, each of 1 to 16384'],
    ["size=16385x4", "each of 1 to 16384"],
    ["size=-4x4", "must be WIDTHxHEIGHT"],
    ["channels=2", "must be 1, 3, 4, L, RGB, RGBA or BGR"],
    ["layout=HWC", "must be NHWC or NCHW"],
    ["scale=0", "must be a number that is not 0, or two as in 1/255"],
    ["scale=1/0", "must be a number that is not 0"],
    ["scale=1/2/3", "must be a number that is not 0"],
    ["scale=0x10", "must be a number that is not 0"],
    ["scale=1e999", "must be a number that is not 0"],
    ["mean=1,", "must be one number, or one for each channel"],
    ["mean=1,2,3,4,5", "must be one number, or one for each channel"],
    ["std=1,0,1", "std is"],
    ["background=red", "must be black, white or #RRGGBB"],
    ["preset=vgg", "must be raw, unit, symmetric, imagenet, caffe"],
    ["preset=unit&scale=2", "preset and scale contradict"],
    ["preset=imagenet&mean=0", "preset and mean contradict"],
    ["preset=caffe&channels=RGB", "preset=caffe and channels contradict: this preset has channels BGR"],
  ])("%s", (query, message) => {
    const error = expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining(message) });
    expect(() => readImageRules(new URLSearchParams(query))).toThrow(error);
  });

  test("a long value is not repeated whole", () => {
    const read = () => readImageRules([["resize", "x".repeat(10_000)]]);
    expect(read).toThrow(expect.objectContaining({ message: expect.not.stringContaining("x".repeat(41)) }));
  });
});
