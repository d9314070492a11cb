import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { LoggingConfigSchema } from "../gen/tensorflow_serving/config/logging_config_pb.ts";
import { resolveLoggingConfig } from "./logging-config.ts";

type Sampling = NonNullable<MessageInitShape<typeof LoggingConfigSchema>["samplingConfig"]>;

const resolve = (type: string, filenamePrefix: string, samplingConfig?: Sampling) =>
  resolveLoggingConfig(
    "iris",
    create(LoggingConfigSchema, { logCollectorConfig: { type, filenamePrefix }, ...(samplingConfig && { samplingConfig }) }),
  );

describe("a logging_config", () => {
  test.each([
    ["", "tfrecord"],
    ["tfrecord", "tfrecord"],
    ["json", "jsonl"],
    ["jsonl", "jsonl"],
  ])("with a collector of type %j writes %s", (type, format) => {
    expect(resolve(type, "/logs/iris", { samplingRate: 0.5 })).toEqual({
      samplingRate: 0.5,
      filenamePrefix: "/logs/iris",
      format,
    });
  });

  test("takes a file: URL", () => {
    expect(resolve("", "file:///logs/a%20b").filenamePrefix).toBe("/logs/a b");
  });

  test("without a sampling_config logs nothing", () => {
    expect(resolve("", "/logs/iris").samplingRate).toBe(0);
  });

  test.each([
    ["the first rule for every task overrides", [{ samplingRate: 0.1 }, { samplingRate: 0.2 }], 0.1],
    ["a rule for another data center does not count", [{ dc: "us", samplingRate: 0.1 }], 0.9],
    ["a rule for a task does not count, task 0 neither", [{ taskIndex: 0, samplingRate: 0.1 }, { samplingRate: 0 }], 0],
  ])("of per-task rates: %s", (_, perTaskSamplingConfigs, expected) => {
    expect(resolve("", "/logs/iris", { samplingRate: 0.9, perTaskSamplingConfigs }).samplingRate).toBe(expected);
  });

  test.each([
    [() => resolve("kafka", "/logs/iris"), 'a log collector of the unknown type "kafka" (known: tfrecord, json, jsonl)'],
    [() => resolve("", "/logs/iris", { samplingRate: 2 }), "a sampling_rate of 2, expected 0 to 1"],
    [() => resolve("", "/logs/iris", { samplingRate: -0.1 }), "a sampling_rate of -0.1"],
    [() => resolve("", "/logs/iris", { samplingRate: Number.NaN }), "a sampling_rate of NaN"],
    [() => resolve("", "logs/iris"), 'filename_prefix "logs/iris", expected an absolute path'],
    [() => resolve("", ""), 'filename_prefix "", expected an absolute path'],
    [() => resolve("", "/logs/"), "that ends in the first part of a file's name"],
    [() => resolve("", "file://host/logs/iris"), "expected an absolute path"],
    [() => resolveLoggingConfig("iris", create(LoggingConfigSchema, {})), "a logging_config without log_collector_config"],
    [
      () => resolveLoggingConfig("iris", create(LoggingConfigSchema, { customLoggingConfig: {} })),
      "a custom_logging_config, only log_collector_config is supported",
    ],
  ])("is refused by name: %#", (act, expected) => {
    expect(act).toThrow(expect.objectContaining({ code: "invalid-argument" }) as Error);
    expect(act).toThrow(`model iris has ${expected.startsWith("a ") ? expected : ""}`);
    expect(act).toThrow(expected);
  });
});
