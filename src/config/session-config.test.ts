import { fromBinary, fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ServingError } from "../base/serving-error.ts";
import { ConfigProtoSchema } from "../gen/tensorflow/core/protobuf/config_pb.ts";
import { encodeSessionConfig } from "./session-config.ts";

const encode = (value: unknown) =>
  encodeSessionConfig(
    value,
    (path, part, message) => new ServingError("invalid-argument", `${part} ${path.join(".")}: ${message}`),
  );

/** What other readers make of the bytes. */
const decoded = (value: unknown) => fromBinary(ConfigProtoSchema, encode(value));

describe("a session config", () => {
  test.each<[string, JsonValue]>([
    ["nothing", {}],
    ["numbers of every kind", { intra_op_parallelism_threads: -1, operation_timeout_in_ms: 1e15, placement_period: 2147483647 }],
    ["an integer of 64 bits as text", { operation_timeout_in_ms: "-9223372036854775808" }],
    ["lists", { device_filters: ["/job:ps", "/job:worker/task:0"], session_inter_op_thread_pool: [{ num_threads: 2 }, {}] }],
    [
      "numbers in lists",
      { gpu_options: { experimental: { virtual_devices: [{ memory_limit_mb: [1.5, 2], priority: [3, -4] }] } } },
    ],
    ["maps", { device_count: { GPU: 0, CPU: 2 }, cluster_def: { job: [{ name: "ps", tasks: { 0: "a:1", 10: "b:2" } }] } }],
    ["an enum by name", { graph_options: { optimizer_options: { opt_level: "L0", global_jit_level: "ON_2" } } }],
    ["an enum by number", { graph_options: { optimizer_options: { global_jit_level: -1 } } }],
    ["a number nobody has named yet", { graph_options: { optimizer_options: { global_jit_level: 77 } } }],
    [
      "what rewrites the graph",
      {
        graph_options: {
          rewrite_options: {
            constant_folding: "OFF",
            memory_optimization: "NO_MEM_OPT",
            min_graph_nodes: -1,
            optimizers: ["function"],
            custom_optimizers: [
              { name: "mine", parameter_map: { text: { s: "aGk=" }, level: { i: "3" }, ratio: { f: 0.5 }, on: { b: true } } },
            ],
          },
        },
      },
    ],
    ["what runs it elsewhere", { rpc_options: { compression_algorithm: "gzip" }, isolate_session_state: true }],
    [
      "what is experimental",
      {
        experimental: {
          executor_type: "SINGLE_THREADED_EXECUTOR",
          session_metadata: { name: "m", version: 3 },
          coordination_config: { service_type: "standalone", coordinated_job_list: [{ name: "w", num_tasks: 1 }] },
        },
      },
    ],
  ])("of %s means what it means to protobuf", (_, value) => {
    expect(decoded(value)).toEqual(fromJson(ConfigProtoSchema, value));
  });

  test("keeps every digit of an integer", () => {
    expect(decoded({ operation_timeout_in_ms: 9007199254740993n }).operationTimeoutInMs).toBe(9007199254740993n);
  });

  test("has Simple TensorFlow Serving's keys", () => {
    const keys = {
      log_device_placement: true,
      allow_soft_placement: true,
      allow_growth: true,
      per_process_gpu_memory_fraction: 0.25,
      gpu_options: { visible_device_list: "1" },
    };
    expect(decoded(keys)).toMatchObject({
      logDevicePlacement: true,
      allowSoftPlacement: true,
      gpuOptions: { allowGrowth: true, perProcessGpuMemoryFraction: 0.25, visibleDeviceList: "1" },
    });
  });

  test("that says false or 0 goes before what it is merged over", () => {
    const below = { log_device_placement: true, allow_growth: true, intra_op_parallelism_threads: 4, device_count: { CPU: 1 } };
    const above = { log_device_placement: false, allow_growth: false, intra_op_parallelism_threads: 0, device_count: { CPU: 0 } };
    const merged = fromBinary(ConfigProtoSchema, Buffer.concat([encode(below), encode(above)]));
    expect(merged).toMatchObject({
      logDevicePlacement: false,
      gpuOptions: { allowGrowth: false },
      intraOpParallelismThreads: 0,
      deviceCount: { CPU: 0 },
    });
  });

  test("has the same bytes in whatever order its keys are written", () => {
    const one = encode({ allow_growth: true, placement_period: 1, device_count: { a: 1, b: 2 } });
    expect(encode({ device_count: { b: 2, a: 1 }, placement_period: 1, gpu_options: { allow_growth: true } })).toEqual(one);
  });

  test("without a zero is written as protobuf writes it", () => {
    const value = { device_count: { CPU: 2 }, gpu_options: { allow_growth: true }, allow_soft_placement: true };
    expect(encode(value)).toEqual(toBinary(ConfigProtoSchema, fromJson(ConfigProtoSchema, value)));
  });

  test.each<[unknown, string]>([
    ["fast", 'value : expected a mapping, got "fast"'],
    [[], "value : expected a mapping, got a list"],
    [{ alow_growth: true }, 'key alow_growth: session_config has no key "alow_growth" (did you mean allow_growth?)'],
    [
      { log_device_placment: true },
      'key log_device_placment: session_config has no key "log_device_placment" (did you mean log_device_placement?)',
    ],
    [{ speed: 1 }, 'key speed: session_config has no key "speed" (its keys are the fields of tensorflow.ConfigProto)'],
    [{ allowSoftPlacement: true }, expect.stringContaining("did you mean allow_soft_placement?")],
    [
      { gpu_options: { allow_grow: true } },
      'key gpu_options.allow_grow: gpu_options has no key "allow_grow" (did you mean allow_growth?)',
    ],
    [{ log_device_placement: "true" }, 'value log_device_placement: expected true or false, got "true"'],
    [{ log_device_placement: 1 }, "value log_device_placement: expected true or false, got 1"],
    [{ allow_growth: "true" }, 'value allow_growth: expected true or false, got "true"'],
    [{ per_process_gpu_memory_fraction: "0.5" }, 'value per_process_gpu_memory_fraction: expected a number, got "0.5"'],
    [{ allow_growth: true, gpu_options: { allow_growth: true } }, "key allow_growth: allow_growth is in gpu_options as well"],
    [{ allow_growth: true, gpu_options: 3 }, "value gpu_options: expected a mapping, got 3"],
    [{ gpu_options: null }, "value gpu_options: expected a mapping, got nothing"],
    [
      { intra_op_parallelism_threads: 1.5 },
      "value intra_op_parallelism_threads: expected an integer from -2147483648 to 2147483647, got 1.5",
    ],
    [{ intra_op_parallelism_threads: 2 ** 31 }, expect.stringContaining("to 2147483647, got 2147483648")],
    [{ intra_op_parallelism_threads: "1" }, expect.stringContaining('got "1"')],
    [{ operation_timeout_in_ms: 2 ** 63 }, expect.stringContaining("to 9223372036854775807, got 9223372036854776000")],
    [{ device_filters: "a" }, 'value device_filters: expected a list, got "a"'],
    [{ device_filters: ["a", 1] }, "value device_filters.1: expected a string, got 1"],
    [{ device_count: ["CPU"] }, "value device_count: expected a mapping, got a list"],
    [{ device_count: { CPU: "2" } }, expect.stringContaining("value device_count.CPU: expected an integer")],
    [{ cluster_def: { job: [{ tasks: { first: "a:1" } }] } }, expect.stringContaining("value cluster_def.job.0.tasks.first: ")],
    [
      { graph_options: { optimizer_options: { opt_level: "L2" } } },
      'value graph_options.optimizer_options.opt_level: expected L1 or L0, got "L2"',
    ],
    [
      { gpu_options: { experimental: { gpu_host_mem_limit_in_mb: 1e39 } } },
      "value gpu_options.experimental.gpu_host_mem_limit_in_mb: expected a number, got 1e+39",
    ],
    [
      { graph_options: { rewrite_options: { custom_optimizers: [{ parameter_map: { p: { s: "a b" } } }] } } },
      'value graph_options.rewrite_options.custom_optimizers.0.parameter_map.p.s: expected a string in Base64, got "a b"',
    ],
    [
      { graph_options: { rewrite_options: { custom_optimizers: [{ parameter_map: { p: { b: true, i: 1 } } }] } } },
      "key graph_options.rewrite_options.custom_optimizers.0.parameter_map.p.b: b excludes i",
    ],
  ])("of %j is refused", (value, message) => {
    expect(() => encode(value)).toThrow(expect.objectContaining({ code: "invalid-argument", message }));
  });
});
