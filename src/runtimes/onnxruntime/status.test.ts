import { describe, expect, test } from "vitest";
import { cleanMessage, loadError, runError } from "./status.ts";

describe("a message of ONNX Runtime's loses what clients must not see", () => {
  test.each([
    [
      "Non-zero status code returned while running Add node. Name:'' Status Message: /onnxruntime_src/onnxruntime/core/providers/cpu/math/element_wise_ops.h:563 void onnxruntime::BroadcastIterator::Init(ptrdiff_t, ptrdiff_t) axis == 1 was false. 2 by 3\n\nStacktrace:\n0x1234",
      "operator Add: axis == 1 was false. 2 by 3",
    ],
    [
      "Non-zero status code returned while running Gather node. Name:'g1' Status Message: indices element out of data bounds, idx=1000 must be within the inclusive range [-10,9]",
      'operator Gather "g1": indices element out of data bounds, idx=1000 must be within the inclusive range [-10,9]',
    ],
    ["Load model from /models/a b/1/m.onnx failed:Protobuf parsing failed.", "Protobuf parsing failed"],
    [
      "/onnxruntime_src/core/providers/webgpu/webgpu_context.cc:136 onnxruntime::webgpu::WebGpuContext::Initialize(const onnxruntime::webgpu::Config&)::<lambda()> ok was false. No adapter",
      "ok was false. No adapter",
    ],
    ["cannot open /srv/secret/weights.bin (No such file)", "cannot open weights.bin (No such file)"],
    ["cannot open 'C:\\srv\\secret\\weights.bin'", "cannot open 'weights.bin'"],
    ["bad pointer 0x7f00deadbeef", "bad pointer an address"],
    ["a\tb\u0007c", "a b c"],
  ])("%#", (raw, clean) => expect(cleanMessage(raw)).toBe(clean));

  test("and is cut when very long", () => expect(cleanMessage("x".repeat(5000)).length).toBeLessThan(500));
});

test("a load's failure names the file without its folder", () => {
  const error = loadError({ code: "fail", message: "File at path /srv/models/1/m.onnx is odd." }, "/srv/models/1/m.onnx");
  expect([error.code, error.message]).toEqual(["invalid-argument", "m.onnx cannot be loaded: File at path m.onnx is odd"]);
});

test.each([
  ["no-such-file", "x", "not-found"],
  ["invalid-protobuf", "x", "data-loss"],
  ["invalid-graph", "x", "invalid-argument"],
  ["not-implemented", "x", "unimplemented"],
  ["fail", "Fatal error: acme:Frob(-1) is not a registered function/op", "unimplemented"],
] as const)("a load that fails with %s (%s) is %s", (code, message, expected) => {
  expect(loadError({ code, message }, "/m.onnx").code).toBe(expected);
});

test.each([
  ["invalid-argument", "whatever", "invalid-argument"],
  ["fail", "operands could not broadcast together", "invalid-argument"],
  ["runtime-exception", "Input shape:{2,3}, requested shape:{7}", "invalid-argument"],
  ["runtime-exception", "std::bad_alloc", "resource-exhausted"],
  ["not-implemented", "no kernel", "unimplemented"],
  ["fail", "the moon is in the wrong phase", "internal"],
] as const)("a run that fails with %s (%s) is %s", (code, message, expected) => {
  expect(runError({ code, message }).code).toBe(expected);
});
