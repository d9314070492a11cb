import { describe, expect, test } from "vitest";
import { parseFlagValue } from "./flag-value.ts";
import { FLAGS, findFlag } from "./flags.ts";

describe("the table of flags", () => {
  test("names each flag once, as TensorFlow Serving spells names", () => {
    expect(new Set(FLAGS.map((flag) => flag.name)).size).toBe(FLAGS.length);
    for (const { name } of FLAGS) expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
  });

  test.each(FLAGS.filter((flag) => flag.default !== undefined))("has a default of $name that it would accept", (flag) => {
    expect(parseFlagValue(flag, flag.default!)).toBeDefined();
  });

  test("has a default for every flag that only its default is allowed for", () => {
    expect(FLAGS.filter((flag) => ["refuse", "later"].includes(flag.take) && flag.default === undefined)).toEqual([]);
  });
});

describe("parseFlagValue", () => {
  test.each([
    ["port", "0", 0],
    ["port", "65535", 65535],
    ["file_system_poll_wait_seconds", "-1", -1],
    ["load_retry_interval_micros", "-9223372036854775808", -(2 ** 63)],
    ["per_process_gpu_memory_fraction", ".5", 0.5],
    ["drain_timeout_seconds", "1.5", 1.5],
    ["enable_batching", "1", true],
    ["enable_batching", "0", false],
    ["enable_batching", "True", true],
    ["log_level", "debug", "debug"],
    ["onnx_execution_providers", "cuda, cpu,", ["cuda", "cpu"]],
    ["grpc_channel_arguments", "", []],
    ["model_name", "", ""],
    ["model_name", "a=b", "a=b"],
  ])("reads --%s=%s", (name, text, value) => expect(parseFlagValue(findFlag(name)!, text)).toEqual(value));

  test.each([
    ["port", "abc", '--port expects an integer from 0 to 65535, got "abc"'],
    ["port", "65536", '--port expects an integer from 0 to 65535, got "65536"'],
    ["port", "-1", '--port expects an integer from 0 to 65535, got "-1"'],
    ["port", "", '--port expects an integer from 0 to 65535, got ""'],
    ["port", "1e3", '--port expects an integer from 0 to 65535, got "1e3"'],
    ["port", "0x10", '--port expects an integer from 0 to 65535, got "0x10"'],
    ["threads", "0", '--threads expects an integer from 1 to 1024, got "0"'],
    ["per_process_gpu_memory_fraction", "2", '--per_process_gpu_memory_fraction expects a number from 0 to 1, got "2"'],
    ["per_process_gpu_memory_fraction", "NaN", '--per_process_gpu_memory_fraction expects a number from 0 to 1, got "NaN"'],
    ["enable_batching", "yes", '--enable_batching expects true or false, got "yes"'],
    [
      "onnx_graph_optimization_level",
      "99",
      '--onnx_graph_optimization_level expects one of disabled, basic, extended, all, got "99"',
    ],
  ])("refuses --%s=%s", (name, text, message) => {
    expect(() => parseFlagValue(findFlag(name)!, text)).toThrow(expect.objectContaining({ code: "invalid-argument", message }));
  });
});
