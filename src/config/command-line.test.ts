import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { addServerFlags, flagError, flagValuesOf, normalizeArguments, parseFlags } from "./command-line.ts";
import { FLAGS } from "./flags.ts";
import { faultOf } from "./test-fault.ts";

const options = (...argv: string[]) => parseFlags(argv, {}).options;
const cores = availableParallelism();

describe("parseFlags", () => {
  test("takes defaults where nothing is said", () => {
    expect(options()).toMatchObject({
      host: "127.0.0.1",
      port: 8500,
      restApiPort: 8501,
      grpcSocketPath: undefined,
      threads: cores,
      logLevel: "info",
      models: { kind: "none" },
      restTimeoutMs: 30_000,
      maxRequestBytes: 64 * 1024 * 1024,
      drainTimeoutMs: 30_000,
      cors: { everyone: false, origins: [] },
      access: undefined,
      loading: {
        pollIntervalMs: 1000,
        maxLoadRetries: 5,
        loadRetryIntervalMs: 60_000,
        memoryLimitBytes: undefined,
        warmup: true,
        warmupIterations: 1,
        automaticWarmup: "off",
      },
      onnxruntime: { executionProviders: ["cpu"], graphOptimizationLevel: "all", intraOpThreads: undefined },
      tensorflow: {
        library: undefined,
        autoInstall: true,
        savedModelTags: ["serve"],
        sessionConfigFile: undefined,
        sessionConfig: "{}",
        gpuMemoryFraction: undefined,
        intraOpThreads: undefined,
        interOpThreads: undefined,
        sessionTarget: undefined,
        customOpPaths: [],
      },
      signatureMethodNameCheck: false,
      sessionService: false,
      ignored: [],
    });
  });

  test.each([
    [["--port=1"], { port: 1 }],
    [["--port", "1"], { port: 1 }],
    [["--port=1", "--port", "2"], { port: 2 }],
    [["--rest-api-port", "7"], { restApiPort: 7 }],
    [["--enable_response_compression"], { responseCompression: true }],
    [["--enable_response_compression=false"], { responseCompression: false }],
    [["--enable_response_compression=1", "--enable_response_compression=0"], { responseCompression: false }],
    [["--enable_response_compression", "false"], { responseCompression: false }],
    [["--file_system_poll_wait_seconds", "-1"], { loading: { pollIntervalMs: -1000 } }],
    [["--load_retry_interval_micros=-1"], { loading: { loadRetryIntervalMs: 0 } }],
    [["--num_request_iterations_for_warmup=3"], { loading: { warmupIterations: 3 } }],
    [["--automatic_warmup=random"], { loading: { automaticWarmup: "random" } }],
    [
      ["--tensorflow_session_parallelism=3"],
      { onnxruntime: { intraOpThreads: 3, interOpThreads: 3 }, tensorflow: { intraOpThreads: 3, interOpThreads: 3 } },
    ],
    [["--tensorflow_inter_op_parallelism=2"], { tensorflow: { intraOpThreads: undefined, interOpThreads: 2 } }],
    [
      ["--tensorflow_library=lib", "--auto_install_runtimes=false", "--saved_model_tags=serve,gpu"],
      { tensorflow: { library: resolve("lib"), autoInstall: false, savedModelTags: ["serve", "gpu"] } },
    ],
    [
      ["--tensorflow_session_config_file=c", "--per_process_gpu_memory_fraction=.5", "--session_config={ }"],
      { tensorflow: { sessionConfigFile: resolve("c"), gpuMemoryFraction: 0.5, sessionConfig: "{ }" } },
    ],
    [
      ["--session_target=grpc://host:2222", "--custom_op_paths=ops,/b.so"],
      { tensorflow: { sessionTarget: "grpc://host:2222", customOpPaths: [resolve("ops"), "/b.so"] } },
    ],
    [["--enable_signature_method_name_check"], { signatureMethodNameCheck: true }],
    [["--enable_session_service"], { sessionService: true }],
    [["--tensorflow_intra_op_parallelism=2"], { onnxruntime: { intraOpThreads: 2, interOpThreads: undefined } }],
    [["--onnx_execution_providers=cuda,cpu"], { onnxruntime: { executionProviders: ["cuda", "cpu"] } }],
    [["--threads=3"], { threads: 3 }],
    [["--rest_api_num_threads=1"], { threads: 1 }],
    [["--grpc_max_threads=1000"], { threads: cores }],
    [["--threads=3", "--grpc_max_threads=1"], { threads: 3 }],
    [["--version"], { printVersion: true }],
    [
      ["--flush_filesystem_caches=false", "--xla_cpu_compilation_enabled"],
      { ignored: ["flush_filesystem_caches", "xla_cpu_compilation_enabled"] },
    ],
    [["--enable_batching=false", "--ssl_config_file="], { ignored: [], batching: undefined }],
    [["--enable_batching"], { batching: { file: undefined, perModel: false } }],
    [
      ["--enable_batching", "--batching_parameters_file=/b", "--enable_per_model_batching_parameters"],
      { batching: { file: "/b", perModel: true }, ignored: [] },
    ],
    [["--enable_per_model_batching_parameters"], { batching: undefined, ignored: ["enable_per_model_batching_parameters"] }],
    [["--port=0", "--rest_api_port=0", "--grpc_socket_path=/run/x"], { port: 0, restApiPort: 0, grpcSocketPath: "/run/x" }],
  ])("reads %j", (argv, expected) => expect(options(...argv)).toMatchObject(expected));

  test("takes a boolean's next argument for a path", () => {
    expect(parseFlags(["--rest_api_enable_cors_support", "./m"], {})).toMatchObject({
      paths: ["./m"],
      options: { cors: { everyone: true }, models: { kind: "paths", paths: [resolve("m")] } },
    });
  });

  test("takes what follows -- for paths", () => {
    expect(parseFlags(["--port=1", "--", "--port=2"], {}).paths).toEqual(["--port=2"]);
  });

  test.each([
    [["--prot=1"], "unknown flag --prot, did you mean --port?"],
    [["--rest_api_prot", "1"], "unknown flag --rest_api_prot, did you mean --rest_api_port?"],
    [["--model-base-paht=/x"], "unknown flag --model-base-paht, did you mean --model_base_path?"],
    [["--quite_another_thing"], "unknown flag --quite_another_thing, see --help"],
    [["-port=1"], "unknown flag -port, did you mean --port?"],
    [["--port"], "option '--port <integer>' argument missing"],
    [["--port=x"], '--port expects an integer from 0 to 65535, got "x"'],
    [["--prefer_tflite_model"], "--prefer_tflite_model is not supported by this server, leave it out"],
    [["--session_target=host:2222"], '--session_target expects grpc://HOST:PORT, got "host:2222"'],
    [
      ["--batching_parameters_file=x"],
      "server_options.batching_parameters_file is set without setting server_options.enable_batching to true.",
    ],
    [["--platform_config_file=x"], "--platform_config_file is not supported by this server, leave it out"],
    [["--use_alts_credentials"], "--use_alts_credentials is not supported by this server, leave it out"],
    [["--port=9", "--rest_api_port=9"], "--rest_api_port must differ from --port, both are 9; 0 turns one off"],
    [["--port=0", "--rest_api_port=0"], "nothing to listen on, set --port, --rest_api_port or --grpc_socket_path"],
    [
      ["--tensorflow_session_parallelism=1", "--tensorflow_inter_op_parallelism=1"],
      "--tensorflow_session_parallelism excludes --tensorflow_intra_op_parallelism and --tensorflow_inter_op_parallelism",
    ],
    [
      ["--model_base_path=gs://bucket/m", "--model_name=m"],
      '--model_base_path: model m has its base_path at "gs:", only the local file system is supported by this version',
    ],
    [["--model_base_path=/x", "./m"], "either paths or --model_base_path says what to serve, not both"],
    [["--model_config_file=/x", "./m"], "either paths or --model_config_file says what to serve, not both"],
  ])("refuses %j", (argv, message) => expect(faultOf(...argv)).toBe(message));
});

describe("what is served", () => {
  const image = { MODEL_NAME: "iris", MODEL_BASE_PATH: "/srv" };
  test.each([
    [
      ["--model_config_file=/c", "--model_config_file_poll_wait_seconds=5"],
      image,
      { kind: "config-file", path: "/c", pollIntervalMs: 5000 },
    ],
    [["--model_config_file=/c", "--model_base_path=/b"], image, { kind: "config-file", path: "/c", pollIntervalMs: 0 }],
    [["--model_base_path=file:///b%20c/"], image, { kind: "single", name: "default", basePath: "/b c", platform: undefined }],
    [["--model_base_path=/b"], image, { kind: "single", name: "default", basePath: "/b", platform: undefined }],
    [
      ["--model_base_path=b", "--model_name=n", "--model_platform=onnx"],
      {},
      { kind: "single", name: "n", basePath: resolve("b"), platform: "onnx" },
    ],
    [["/p", "/q"], image, { kind: "paths", paths: ["/p", "/q"], name: undefined, platform: undefined }],
    [["/p", "--model_name=n"], {}, { kind: "paths", paths: ["/p"], name: "n", platform: undefined }],
    [[], image, { kind: "single", name: "iris", basePath: "/srv/iris", platform: undefined }],
    [[], { MODEL_NAME: "iris" }, { kind: "single", name: "iris", basePath: "/models/iris", platform: undefined }],
    [[], { MODEL_BASE_PATH: "/srv" }, { kind: "single", name: "model", basePath: "/srv/model", platform: undefined }],
    [[], {}, { kind: "none" }],
  ])("by %j with %j", (argv, environment, models) => {
    expect(parseFlags(argv, environment).options.models).toEqual(models);
  });
});

describe("addServerFlags", () => {
  test("gives a command of its own kind every flag, and lists those with an effect in its help", () => {
    const command = addServerFlags(new Command("serve").option("--open"));
    command.parse(normalizeArguments(["--open", "--port", "1"]), { from: "user" });
    expect([...flagValuesOf(command)]).toEqual([["port", 1]]);
    for (const flag of FLAGS) {
      expect(command.helpInformation().includes(`--${flag.name} `)).toBe(flag.take === "yes" || flag.take === "map");
    }
  });

  test.each([
    [
      ["--port=1", "serve", "./m"],
      ["serve", "--port=1", "./m"],
    ],
    [
      ["--port", "1", "inspect", "./m"],
      ["inspect", "--port=1", "./m"],
    ],
    [
      ["--enable_batching", "serve"],
      ["serve", "--enable_batching=true"],
    ],
    [
      ["./m", "serve"],
      ["./m", "serve"],
    ],
    [
      ["--port=1", "--", "serve"],
      ["--port=1", "--", "serve"],
    ],
  ])("puts the command's word of %j first", (argv, normal) => {
    expect(normalizeArguments(argv)).toEqual(normal);
  });

  test("leaves the end of --help alone", () => {
    const command = addServerFlags(new Command("serve")).configureOutput({ writeOut: () => undefined });
    let reason: unknown;
    try {
      command.parse(["--help"], { from: "user" });
    } catch (thrown) {
      reason = thrown;
    }
    expect(flagError(reason)).toBe(reason);
    expect(reason).toMatchObject({ exitCode: 0 });
  });
});
