import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import type { LogLevel } from "../base/log.ts";
import type { RunLimits } from "../base/run-limits.ts";
import { ServingError } from "../base/serving-error.ts";
import type { ServerPython } from "../model/python-options.ts";
import { type AccessOptions, type CorsFlags, resolveAccess, resolveCors } from "./access-options.ts";
import type { BatchingFlags } from "./batching-parameters.ts";
import { type FlagValue, parseFlagValue } from "./flag-value.ts";
import { FLAGS, type Flag, findFlag } from "./flags.ts";
import { resolveBasePath } from "./model-config-rules.ts";
import { resolveServerPython } from "./server-python.ts";
import type { TensorFlowFlags } from "./server-tensorflow.ts";
import { withStfsEnvironment } from "./stfs-environment.ts";
import { SESSION_TARGET } from "./tensorflow-keys.ts";
import { resolveTls, type TlsOptions } from "./tls-options.ts";

/** Environment variables, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What is to be served. */
export type ModelChoice =
  /** All models a ModelServerConfig file names. */
  | { readonly kind: "config-file"; readonly path: string; readonly pollIntervalMs: number }
  /** One model. `platform` is undefined when its files are to tell. */
  | { readonly kind: "single"; readonly name: string; readonly basePath: string; readonly platform: string | undefined }
  /** Whatever models are found there. `name` was given for the only one, `platform` for all. */
  | {
      readonly kind: "paths";
      readonly paths: readonly string[];
      readonly name: string | undefined;
      readonly platform: string | undefined;
    }
  /** Nothing was said. */
  | { readonly kind: "none" };

/** All flags of the server with every choice made. Paths are absolute, times in milliseconds. */
export interface ServerOptions {
  readonly host: string;
  /** 0 for none. */
  readonly port: number;
  /** 0 for none; never the same as `port`. */
  readonly restApiPort: number;
  readonly grpcSocketPath: string | undefined;
  readonly restSocketPath: string | undefined;
  /** Permissions of socket files; undefined for what the umask leaves. */
  readonly socketMode: number | undefined;
  /** Undefined when no port takes TLS. */
  readonly tls: TlsOptions | undefined;
  /** Undefined when nobody is asked who calls. */
  readonly access: AccessOptions | undefined;
  /** Serving threads. */
  readonly threads: number;
  readonly logLevel: LogLevel;
  readonly models: ModelChoice;
  readonly restTimeoutMs: number;
  readonly cors: CorsFlags;
  readonly responseCompression: boolean;
  readonly tensorContent: boolean;
  /** Connections without TLS are served past Node's streams where the system allows. */
  readonly epoll: boolean;
  readonly grpcHealthService: boolean;
  /** Whether the served models may be read and changed below `/v1/config`. */
  readonly adminApi: boolean;
  /** Whether the dashboard is served and the calls of each version are counted for it. */
  readonly dashboard: boolean;
  /** Where relative base paths of text-format model configs begin; undefined when they may not be relative. */
  readonly modelConfigRootDir: string | undefined;
  readonly signatureMethodNameCheck: boolean;
  readonly maxRequestBytes: number;
  readonly runLimits: RunLimits;
  readonly connections: ConnectionOptions;
  readonly drainTimeoutMs: number;
  readonly monitoringConfigFile: string | undefined;
  readonly loading: LoadingOptions;
  /** How request logs are cut into files. */
  readonly requestLogFiles: { readonly maxFileBytes: number; readonly maxFiles: number };
  readonly onnxruntime: OnnxOptions;
  /** Undefined when requests are run one by one. */
  readonly batching: BatchingFlags | undefined;
  readonly tensorflow: TensorFlowFlags;
  readonly python: ServerPython;
  /** Whether nodes of a graph may be run by name over gRPC. */
  readonly sessionService: boolean;
  readonly printVersion: boolean;
  /** Flags that were set and have no effect, to be logged once. */
  readonly ignored: readonly string[];
}

/** What a connection may ask of the server; the transport's limits of the same names. */
export interface ConnectionOptions {
  readonly maxHeaderBytes: number;
  /** Of one serving thread. */
  readonly maxConnections: number;
  /** Of all connections of one serving thread together; at least the largest request. */
  readonly maxBufferedBytes: number;
  readonly maxConcurrentStreams: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly writeTimeoutMs: number;
}

/** How versions are found, loaded and let go. */
export interface LoadingOptions {
  /** 0: look once. Negative: never. */
  readonly pollIntervalMs: number;
  /** 0: one after the other. */
  readonly loadThreads: number;
  readonly unloadThreads: number;
  readonly maxLoadRetries: number;
  readonly loadRetryIntervalMs: number;
  readonly allowLabelsForUnavailable: boolean;
  /** Any label may name any version, moved ones too. */
  readonly forceLabelsForUnavailable: boolean;
  readonly aspiredVersionPolicy: "availability_preserving" | "resource_preserving";
  readonly reloadServablesWithError: boolean;
  readonly versionsAlwaysPresent: boolean;
  /** Undefined for no limit. */
  readonly memoryLimitBytes: number | undefined;
  readonly warmup: boolean;
  /** How often each request is run, at least 1. */
  readonly warmupIterations: number;
  /** What a version without recorded requests is run with. */
  readonly automaticWarmup: "off" | "zeros" | "random";
}

/** How ONNX Runtime is set up; what is undefined is its own choice. */
export interface OnnxOptions {
  readonly libraryPath: string | undefined;
  readonly executionProviders: readonly string[];
  readonly graphOptimizationLevel: "disabled" | "basic" | "extended" | "all";
  readonly intraOpThreads: number | undefined;
  readonly interOpThreads: number | undefined;
}

/**
 * Makes every choice that flags leave open, and checks them against each other.
 *
 * `paths` are the arguments that are no flag. MODEL_NAME and MODEL_BASE_PATH of `environment` mean what they mean to
 * TensorFlow Serving's Docker image, when neither a flag nor a path says what to serve. Simple TensorFlow Serving's variables count where
 * their flag is absent.
 *
 * @throws ServingError invalid-argument that names the flags at fault
 */
export function resolveServerOptions(
  written: ReadonlyMap<string, FlagValue>,
  paths: readonly string[],
  environment: Environment,
): ServerOptions {
  const values = withStfsEnvironment(written, paths, environment);
  refuseUnsupported(values);
  const flags = new Reader(values);
  const port = flags.number("port");
  const restApiPort = flags.number("rest_api_port");
  if (port !== 0 && port === restApiPort) {
    throw new ServingError("invalid-argument", `--rest_api_port must differ from --port, both are ${port}; 0 turns one off`);
  }
  const grpcSocketPath = flags.path("grpc_socket_path");
  const restSocketPath = flags.path("rest_api_socket_path");
  if (port === 0 && restApiPort === 0 && grpcSocketPath === undefined && restSocketPath === undefined) {
    throw new ServingError("invalid-argument", "nothing to listen on, set --port, --rest_api_port or --grpc_socket_path");
  }
  if (grpcSocketPath !== undefined && grpcSocketPath === restSocketPath) {
    throw new ServingError(
      "invalid-argument",
      "--rest_api_socket_path must differ from --grpc_socket_path, which takes REST as well",
    );
  }
  return {
    host: flags.text("host"),
    port,
    restApiPort,
    grpcSocketPath,
    restSocketPath,
    socketMode: resolveSocketMode(flags),
    tls: resolveTls(flags),
    access: resolveAccess(flags),
    threads: resolveThreads(flags),
    logLevel: resolveLogLevel(flags),
    models: resolveModels(flags, paths, environment),
    restTimeoutMs: flags.number("rest_api_timeout_in_ms"),
    cors: resolveCors(flags),
    responseCompression: flags.boolean("enable_response_compression"),
    tensorContent: flags.boolean("enable_serialization_as_tensor_content"),
    epoll: flags.boolean("enable_epoll"),
    grpcHealthService: flags.boolean("enable_grpc_healthcheck_service"),
    adminApi: flags.boolean("enable_admin_api"),
    dashboard: flags.boolean("enable_dashboard"),
    modelConfigRootDir: flags.path("model_config_list_root_dir"),
    signatureMethodNameCheck: flags.boolean("enable_signature_method_name_check"),
    maxRequestBytes: flags.number("max_request_bytes"),
    runLimits: {
      maxDelayMs: flags.number("max_queue_delay_ms"),
      alwaysWaiting: flags.number("always_queued_runs_per_thread"),
    },
    connections: resolveConnections(flags),
    drainTimeoutMs: flags.number("drain_timeout_seconds") * 1000,
    monitoringConfigFile: flags.path("monitoring_config_file"),
    loading: resolveLoading(flags),
    requestLogFiles: {
      maxFileBytes: flags.number("request_log_max_file_bytes"),
      maxFiles: flags.number("request_log_max_files"),
    },
    onnxruntime: resolveOnnx(flags),
    batching: resolveBatching(flags),
    tensorflow: resolveTensorFlow(flags),
    python: resolveServerPython(flags),
    sessionService: flags.boolean("enable_session_service"),
    printVersion: flags.boolean("version"),
    ignored: FLAGS.filter((flag) => values.has(flag.name) && hasNoEffect(flag, flags)).map((flag) => flag.name),
  };
}

function refuseUnsupported(values: ReadonlyMap<string, FlagValue>): void {
  for (const flag of FLAGS) {
    if (flag.take !== "refuse" && flag.take !== "later") continue;
    const value = values.get(flag.name);
    if (value === undefined || value === defaultOf(flag)) continue;
    const when = flag.take === "later" ? "is not supported by this version" : "is not supported by this server";
    throw new ServingError("invalid-argument", `--${flag.name} ${when}, leave it out`);
  }
}

function hasNoEffect({ name, take }: Flag, flags: Reader): boolean {
  return take === "ignore" || (name === "enable_per_model_batching_parameters" && !flags.boolean("enable_batching"));
}

function resolveBatching(flags: Reader): BatchingFlags | undefined {
  const file = flags.path("batching_parameters_file");
  if (flags.boolean("enable_batching")) return { file, perModel: flags.boolean("enable_per_model_batching_parameters") };
  if (file === undefined) return undefined;
  throw new ServingError(
    "invalid-argument",
    "server_options.batching_parameters_file is set without setting server_options.enable_batching to true.",
  );
}

function resolveSocketMode(flags: Reader): number | undefined {
  const text = flags.text("socket_mode");
  if (text === "") return undefined;
  if (!flags.path("grpc_socket_path") && !flags.path("rest_api_socket_path")) {
    throw new ServingError("invalid-argument", "--socket_mode needs --grpc_socket_path or --rest_api_socket_path");
  }
  if (!/^0?[0-7]{3}$/.test(text)) {
    throw new ServingError(
      "invalid-argument",
      `--socket_mode expects three octal digits, such as 660, got ${JSON.stringify(text)}`,
    );
  }
  return Number.parseInt(text, 8);
}

/** Levels by the names of Python's. */
const PYTHON_LEVELS: ReadonlyMap<string, LogLevel> = new Map([
  ["warning", "warn"],
  ["critical", "fatal"],
]);

function resolveLogLevel(flags: Reader): LogLevel {
  if (!flags.isSet("log_level") && flags.boolean("debug")) return "debug";
  const level = flags.text("log_level");
  return PYTHON_LEVELS.get(level) ?? (level as LogLevel);
}

function resolveThreads(flags: Reader): number {
  const cores = availableParallelism();
  const asked = flags.optionalNumber("threads");
  if (asked !== undefined) return asked;
  // One thread a core is all that helps here; TensorFlow Serving's pools are four times that by default.
  const mapped = Math.max(
    ...["rest_api_num_threads", "grpc_max_threads", "workers"].map((name) => flags.optionalNumber(name) ?? 0),
  );
  return mapped === 0 ? cores : Math.min(cores, mapped);
}

function resolveModels(flags: Reader, paths: readonly string[], environment: Environment): ModelChoice {
  const configFile = flags.path("model_config_file");
  const basePath = flags.text("model_base_path");
  const platform = flags.text("model_platform") || undefined;
  if (paths.length > 0 && (configFile !== undefined || basePath !== "")) {
    const other = configFile === undefined ? "--model_base_path" : "--model_config_file";
    throw new ServingError("invalid-argument", `either paths or ${other} says what to serve, not both`);
  }
  if (configFile !== undefined) {
    return { kind: "config-file", path: configFile, pollIntervalMs: flags.number("model_config_file_poll_wait_seconds") * 1000 };
  }
  if (basePath !== "") {
    const single = flags.text("model_name");
    const absolute = resolve(resolveBasePath(single, basePath, process.cwd(), refuseFlag));
    return { kind: "single", name: single, basePath: absolute, platform };
  }
  const name = flags.isSet("model_name") ? flags.text("model_name") : undefined;
  if (paths.length > 0) return { kind: "paths", paths: paths.map((path) => resolve(path)), name, platform };
  return resolveEnvironment(environment, name, platform);
}

function refuseFlag(message: string, cause?: unknown): ServingError {
  return new ServingError("invalid-argument", `--model_base_path: ${message}`, { cause });
}

function resolveEnvironment(environment: Environment, name: string | undefined, platform: string | undefined): ModelChoice {
  const { MODEL_NAME, MODEL_BASE_PATH } = environment;
  if (!MODEL_NAME && !MODEL_BASE_PATH) return { kind: "none" };
  const folder = MODEL_NAME || "model";
  return { kind: "single", name: name ?? folder, basePath: resolve(join(MODEL_BASE_PATH || "/models", folder)), platform };
}

function resolveConnections(flags: Reader): ConnectionOptions {
  return {
    maxHeaderBytes: flags.number("max_header_bytes"),
    maxConnections: flags.number("max_connections_per_thread"),
    maxBufferedBytes: Math.max(flags.number("max_buffered_bytes_per_thread"), flags.number("max_request_bytes")),
    maxConcurrentStreams: flags.number("max_concurrent_streams"),
    headersTimeoutMs: flags.number("headers_timeout_seconds") * 1000,
    requestTimeoutMs: flags.number("request_timeout_seconds") * 1000,
    keepAliveTimeoutMs: flags.number("keep_alive_timeout_seconds") * 1000,
    writeTimeoutMs: flags.number("write_timeout_seconds") * 1000,
  };
}

function resolveLoading(flags: Reader): LoadingOptions {
  return {
    pollIntervalMs: flags.number("file_system_poll_wait_seconds") * 1000,
    loadThreads: flags.number("num_load_threads"),
    unloadThreads: flags.number("num_unload_threads"),
    maxLoadRetries: flags.number("max_num_load_retries"),
    loadRetryIntervalMs: Math.max(0, flags.number("load_retry_interval_micros") / 1000),
    allowLabelsForUnavailable: flags.boolean("allow_version_labels_for_unavailable_models"),
    forceLabelsForUnavailable: flags.boolean("force_allow_any_version_labels_for_unavailable_models"),
    aspiredVersionPolicy: flags.text("aspired_version_policy") as LoadingOptions["aspiredVersionPolicy"],
    reloadServablesWithError: flags.boolean("enable_reload_servables_with_error"),
    versionsAlwaysPresent: flags.boolean("servable_versions_always_present"),
    memoryLimitBytes: flags.number("total_model_memory_limit_bytes") || undefined,
    warmup: flags.boolean("enable_model_warmup"),
    warmupIterations: Math.max(1, flags.number("num_request_iterations_for_warmup")),
    automaticWarmup: flags.text("automatic_warmup") as LoadingOptions["automaticWarmup"],
  };
}

/** Threads of an engine; undefined for its choice. */
interface EngineThreads {
  readonly intraOpThreads: number | undefined;
  readonly interOpThreads: number | undefined;
}

function resolveEngineThreads(flags: Reader): EngineThreads {
  const session = flags.number("tensorflow_session_parallelism");
  const intra = flags.number("tensorflow_intra_op_parallelism");
  const inter = flags.number("tensorflow_inter_op_parallelism");
  if (session !== 0 && (intra !== 0 || inter !== 0)) {
    throw new ServingError(
      "invalid-argument",
      "--tensorflow_session_parallelism excludes --tensorflow_intra_op_parallelism and --tensorflow_inter_op_parallelism",
    );
  }
  return { intraOpThreads: session || intra || undefined, interOpThreads: session || inter || undefined };
}

function resolveOnnx(flags: Reader): OnnxOptions {
  return {
    ...resolveEngineThreads(flags),
    libraryPath: flags.path("onnxruntime_library"),
    executionProviders: flags.list("onnx_execution_providers"),
    graphOptimizationLevel: flags.text("onnx_graph_optimization_level") as OnnxOptions["graphOptimizationLevel"],
  };
}

function resolveTensorFlow(flags: Reader): TensorFlowFlags {
  const sessionTarget = flags.text("session_target");
  if (sessionTarget !== "" && !SESSION_TARGET.test(sessionTarget)) {
    throw new ServingError(
      "invalid-argument",
      `--session_target expects grpc://HOST:PORT, got ${JSON.stringify(sessionTarget.slice(0, 100))}`,
    );
  }
  return {
    ...resolveEngineThreads(flags),
    library: flags.path("tensorflow_library"),
    autoInstall: flags.boolean("auto_install_runtimes"),
    savedModelTags: flags.list("saved_model_tags"),
    sessionConfigFile: flags.path("tensorflow_session_config_file"),
    sessionConfig: flags.text("session_config"),
    gpuMemoryFraction: flags.number("per_process_gpu_memory_fraction") || undefined,
    sessionTarget: sessionTarget || undefined,
    customOpPaths: flags.list("custom_op_paths").map((path) => resolve(path)),
  };
}

/** Values with the defaults of the table behind them. */
class Reader {
  readonly #values: ReadonlyMap<string, FlagValue>;

  constructor(values: ReadonlyMap<string, FlagValue>) {
    this.#values = values;
  }

  isSet(name: string): boolean {
    return this.#values.has(name);
  }

  boolean(name: string): boolean {
    return this.#get(name) as boolean;
  }

  number(name: string): number {
    return this.#get(name) as number;
  }

  /** For a flag without a default. */
  optionalNumber(name: string): number | undefined {
    return this.#values.get(name) as number | undefined;
  }

  text(name: string): string {
    return this.#get(name) as string;
  }

  list(name: string): readonly string[] {
    return this.#get(name) as readonly string[];
  }

  /** An absolute path; undefined for an empty text. */
  path(name: string): string | undefined {
    const path = this.text(name);
    return path === "" ? undefined : resolve(path);
  }

  #get(name: string): FlagValue {
    return this.#values.get(name) ?? defaultOf(findFlag(name)!)!;
  }
}

function defaultOf(flag: Flag): FlagValue | undefined {
  return flag.default === undefined ? undefined : parseFlagValue(flag, flag.default);
}
