// Above the usual length of a file: one table of all flags, read from top to bottom, of which the page of flags is made.
/** How a value is spelled. */
export type FlagKind = "boolean" | "integer" | "number" | "text" | "list" | "choice";

/**
 * What this server makes of a flag.
 * - `yes`: what its help says.
 * - `map`: accepted, another mechanism does what is meant.
 * - `ignore`: accepted without effect; listed once in the log when set.
 * - `refuse`: an error when set to anything but its default, because ignoring it would be wrong.
 * - `later`: like `refuse`, as far as this version goes.
 */
export type Take = "yes" | "map" | "ignore" | "refuse" | "later";

/** One option of the command line. */
export interface Flag {
  /** Without the leading `--`. */
  readonly name: string;
  readonly kind: FlagKind;
  /** As it would be written; undefined when the default depends on the machine or on other flags. */
  readonly default?: string;
  readonly help: string;
  readonly take: Take;
  /** The values of a choice. */
  readonly choices?: readonly string[];
  /** Bounds of a number, inclusive. */
  readonly least?: number;
  readonly most?: number;
  /** Whether a list may be given in several flags, which add up. */
  readonly repeats?: boolean;
}

const INT32 = { least: -(2 ** 31), most: 2 ** 31 - 1 } as const;
const COUNT = { least: 0, most: 2 ** 31 - 1 } as const;
const PORT = { least: 0, most: 65_535 } as const;
const BYTES = { least: 0, most: Number.MAX_SAFE_INTEGER } as const;
/** Time limits of connections are kept to about a second. */
const SECONDS = { least: 1, most: 2 ** 31 - 1 } as const;
const INT64 = { least: -(2 ** 63), most: 2 ** 63 } as const;

/** TensorFlow Serving's flags, under their names, in the order of its own usage text. */
const TENSORFLOW_SERVING_FLAGS: readonly Flag[] = [
  { name: "port", kind: "integer", default: "8500", help: "Port for gRPC and HTTP; 0 for none", take: "yes", ...PORT },
  { name: "grpc_socket_path", kind: "text", default: "", help: "Unix socket to listen on besides the ports", take: "yes" },
  {
    name: "rest_api_port",
    kind: "integer",
    default: "8501",
    help: "Second port for HTTP and gRPC; 0 for none",
    take: "yes",
    ...PORT,
  },
  { name: "rest_api_num_threads", kind: "integer", help: "Serving threads, as far as there are cores", take: "map", ...COUNT },
  {
    name: "rest_api_timeout_in_ms",
    kind: "integer",
    default: "30000",
    help: "Longest run of a REST request",
    take: "yes",
    ...COUNT,
  },
  {
    name: "rest_api_enable_cors_support",
    kind: "boolean",
    default: "false",
    help: "Allow calls from pages of other origins",
    take: "yes",
  },
  { name: "enable_batching", kind: "boolean", default: "false", help: "Run requests together", take: "yes" },
  { name: "batching_parameters_file", kind: "text", default: "", help: "BatchingParameters in text format", take: "yes" },
  {
    name: "enable_per_model_batching_parameters",
    kind: "boolean",
    default: "false",
    help: "Read batching_params.pbtxt in each version's folder; versions without it are not batched",
    take: "yes",
  },
  {
    name: "model_config_file",
    kind: "text",
    default: "",
    help: "All models to serve: ModelServerConfig in text format, or YAML or JSON",
    take: "yes",
  },
  {
    name: "model_config_file_poll_wait_seconds",
    kind: "integer",
    default: "0",
    help: "Seconds between readings of model_config_file; 0 or less for one; SIGHUP reads it at once",
    take: "yes",
    ...INT32,
  },
  { name: "model_name", kind: "text", default: "default", help: "Name of the model at model_base_path", take: "yes" },
  { name: "model_base_path", kind: "text", default: "", help: "Folder or file of a single model", take: "yes" },
  {
    name: "num_load_threads",
    kind: "integer",
    default: "0",
    help: "Models loaded at once after the start; 0 for one",
    take: "map",
    ...COUNT,
  },
  {
    name: "num_unload_threads",
    kind: "integer",
    default: "0",
    help: "Models unloaded at once; 0 for one",
    take: "map",
    ...COUNT,
  },
  {
    name: "max_num_load_retries",
    kind: "integer",
    default: "5",
    help: "Further attempts to load a version that failed",
    take: "yes",
    ...COUNT,
  },
  {
    name: "load_retry_interval_micros",
    kind: "integer",
    default: "60000000",
    help: "Microseconds between attempts; negative for none",
    take: "yes",
    ...INT64,
  },
  {
    name: "file_system_poll_wait_seconds",
    kind: "integer",
    default: "1",
    help: "Seconds between looks for new versions; 0 for one look, negative for none",
    take: "yes",
    ...INT32,
  },
  { name: "flush_filesystem_caches", kind: "boolean", default: "true", help: "Drop cached files after loading", take: "ignore" },
  {
    name: "allow_version_labels_for_unavailable_models",
    kind: "boolean",
    default: "false",
    help: "Let a new label name a version that is not served yet",
    take: "yes",
  },
  {
    name: "tensorflow_session_parallelism",
    kind: "integer",
    default: "0",
    help: "Engine threads within and between operators; 0 for the engine's choice",
    take: "map",
    ...COUNT,
  },
  {
    name: "tensorflow_intra_op_parallelism",
    kind: "integer",
    default: "0",
    help: "Engine threads within an operator; 0 for the engine's choice",
    take: "map",
    ...COUNT,
  },
  {
    name: "tensorflow_inter_op_parallelism",
    kind: "integer",
    default: "0",
    help: "Engine threads between operators; 0 for the engine's choice",
    take: "map",
    ...COUNT,
  },
  {
    name: "tensorflow_session_config_file",
    kind: "text",
    default: "",
    help: "ConfigProto of TensorFlow in text format; flags that are set go before it",
    take: "yes",
  },
  {
    name: "per_process_gpu_memory_fraction",
    kind: "number",
    default: "0",
    help: "Share of each GPU's memory that TensorFlow takes; 0 for its choice",
    take: "yes",
    least: 0,
    most: 1,
  },
  {
    name: "saved_model_tags",
    kind: "list",
    default: "serve",
    help: "Tags of the graph to load from a SavedModel",
    take: "yes",
  },
  { name: "platform_config_file", kind: "text", default: "", help: "PlatformConfigMap in text format", take: "refuse" },
  { name: "use_alts_credentials", kind: "boolean", default: "false", help: "Google's ALTS", take: "refuse" },
  { name: "ssl_config_file", kind: "text", default: "", help: "SSLConfig in text format: TLS on --port alone", take: "yes" },
  {
    name: "grpc_channel_arguments",
    kind: "list",
    default: "",
    help: "Options of gRPC's own library, as name=value",
    take: "ignore",
  },
  { name: "grpc_max_threads", kind: "integer", help: "Serving threads, as far as there are cores", take: "map", ...COUNT },
  {
    name: "enable_model_warmup",
    kind: "boolean",
    default: "true",
    help: "Run a version's recorded requests before it serves",
    take: "yes",
  },
  {
    name: "num_request_iterations_for_warmup",
    kind: "integer",
    default: "0",
    help: "Times each recorded request is run; 0 for one",
    take: "yes",
    ...INT32,
  },
  { name: "monitoring_config_file", kind: "text", default: "", help: "MonitoringConfig in text format", take: "yes" },
  {
    name: "remove_unused_fields_from_bundle_metagraph",
    kind: "boolean",
    default: "true",
    help: "Save memory of TensorFlow's loader",
    take: "ignore",
  },
  {
    name: "prefer_tflite_model",
    kind: "boolean",
    default: "false",
    help: "Serve model.tflite where there is one",
    take: "refuse",
  },
  { name: "num_tflite_pools", kind: "integer", help: "Pools of TensorFlow Lite interpreters", take: "ignore", ...INT32 },
  {
    name: "num_tflite_interpreters_per_pool",
    kind: "integer",
    default: "1",
    help: "TensorFlow Lite interpreters of a pool",
    take: "ignore",
    ...INT32,
  },
  {
    name: "enable_signature_method_name_check",
    kind: "boolean",
    default: "false",
    help: "Refuse signatures whose method name does not fit the call",
    take: "yes",
  },
  { name: "xla_cpu_compilation_enabled", kind: "boolean", default: "false", help: "Compile graphs for the CPU", take: "ignore" },
  { name: "xla_gpu_compilation_enabled", kind: "boolean", default: "false", help: "Compile graphs for the GPU", take: "ignore" },
  { name: "enable_profiler", kind: "boolean", default: "true", help: "TensorFlow's profiler service", take: "ignore" },
  { name: "thread_pool_factory_config_file", kind: "text", default: "", help: "ThreadPoolConfig in text format", take: "refuse" },
  { name: "mixed_precision", kind: "text", default: "", help: "Run in bfloat16", take: "ignore" },
  { name: "skip_initialize_tpu", kind: "boolean", default: "false", help: "Leave TPUs alone", take: "ignore" },
  {
    name: "enable_grpc_healthcheck_service",
    kind: "boolean",
    default: "false",
    help: "grpc.health.v1.Health, which is always served",
    take: "map",
  },
  {
    name: "enable_serialization_as_tensor_content",
    kind: "boolean",
    default: "false",
    help: "Answer gRPC calls with tensor_content",
    take: "yes",
  },
  { name: "version", kind: "boolean", default: "false", help: "Print the version and exit", take: "yes" },
];

/** Flags that TensorFlow Serving lacks. */
const OWN_FLAGS: readonly Flag[] = [
  { name: "host", kind: "text", default: "127.0.0.1", help: "Address to listen on; 0.0.0.0 for all", take: "yes" },
  {
    name: "rest_api_socket_path",
    kind: "text",
    default: "",
    help: "Second Unix socket to listen on besides the ports",
    take: "yes",
  },
  {
    name: "socket_mode",
    kind: "text",
    default: "",
    help: "Permissions of the socket files, in octal, such as 660; what the umask leaves by default",
    take: "yes",
  },
  {
    name: "tls_certificate_file",
    kind: "text",
    default: "",
    help: "The server's certificate and its chain in PEM: TLS on every port",
    take: "yes",
  },
  { name: "tls_key_file", kind: "text", default: "", help: "The certificate's private key in PEM", take: "yes" },
  {
    name: "tls_key_passphrase_file",
    kind: "text",
    default: "",
    help: "File with the passphrase of an encrypted private key",
    take: "yes",
  },
  {
    name: "tls_client_ca_file",
    kind: "text",
    default: "",
    help: "Authorities in PEM that clients' certificates must come from",
    take: "yes",
  },
  {
    name: "tls_client_certificate",
    kind: "choice",
    default: "require",
    help: "With tls_client_ca_file, whether a client may have no certificate (request) or not (require)",
    take: "yes",
    choices: ["request", "require"],
  },
  {
    name: "tls_min_version",
    kind: "choice",
    default: "1.2",
    help: "Oldest version of TLS to speak",
    take: "yes",
    choices: ["1.2", "1.3"],
  },
  {
    name: "auth_file",
    kind: "text",
    default: "",
    help: "Users and keys that may call, and what they may do, in YAML or JSON; read again when it changes",
    take: "yes",
  },
  {
    name: "auth_password_file",
    kind: "text",
    default: "",
    help: "File with the password of auth_username, in place of auth_password",
    take: "yes",
  },
  {
    name: "cors_allowed_origins",
    kind: "list",
    default: "",
    help: "Origins whose pages may call, such as https://a.example",
    take: "yes",
  },
  {
    name: "automatic_warmup",
    kind: "choice",
    default: "off",
    help: "Inputs of this kind are made up for a version without recorded requests, to run each of its signatures before it serves",
    take: "yes",
    choices: ["off", "zeros", "random"],
  },
  { name: "threads", kind: "integer", help: "Serving threads; one per core by default", take: "yes", least: 1, most: 1024 },
  {
    name: "log_level",
    kind: "choice",
    default: "info",
    help: "Least important lines to log; warning is warn, critical is fatal",
    take: "yes",
    choices: ["trace", "debug", "info", "warn", "warning", "error", "fatal", "critical", "silent"],
  },
  {
    name: "model_platform",
    kind: "text",
    default: "",
    help: "Platform of the model at model_base_path; found out by its files by default",
    take: "yes",
  },
  {
    name: "onnxruntime_library",
    kind: "text",
    default: "",
    help: "ONNX Runtime library to use in place of the packaged one",
    take: "yes",
  },
  {
    name: "onnx_execution_providers",
    kind: "list",
    default: "cpu",
    help: "Execution providers of ONNX Runtime, the most wanted first",
    take: "yes",
  },
  {
    name: "onnx_graph_optimization_level",
    kind: "choice",
    default: "all",
    help: "How far ONNX Runtime rewrites a graph",
    take: "yes",
    choices: ["disabled", "basic", "extended", "all"],
  },
  {
    name: "tensorflow_library",
    kind: "text",
    default: "",
    help: "TensorFlow's library, or a folder that holds it, to use in place of an installed one",
    take: "yes",
  },
  {
    name: "auto_install_runtimes",
    kind: "boolean",
    default: "true",
    help: "Install TensorFlow when the first model that needs it is loaded and it is not there",
    take: "yes",
  },
  {
    name: "session_config",
    kind: "text",
    default: "{}",
    help: 'How TensorFlow runs models, in JSON, such as {"allow_growth": true}; goes before every other flag',
    take: "yes",
  },
  {
    name: "session_target",
    kind: "text",
    default: "",
    help: "TensorFlow server that loads and runs TensorFlow models in place of this one, as grpc://HOST:PORT",
    take: "yes",
  },
  {
    name: "custom_op_paths",
    kind: "list",
    default: "",
    help: "Libraries of TensorFlow's custom ops, or folders of them; their code is run",
    take: "yes",
  },
  {
    name: "enable_session_service",
    kind: "boolean",
    default: "false",
    help: "Let whoever can reach a gRPC port run any node of a TensorFlow graph, also those that change variables",
    take: "yes",
  },
  {
    name: "python",
    kind: "text",
    default: "python3",
    help: "Python interpreter of the processes that run models in Python",
    take: "yes",
  },
  {
    name: "allow_code",
    kind: "list",
    default: "",
    help: "Names of models that may run Python code of their own, with all that the server's user may do; may be given several times",
    take: "yes",
    repeats: true,
  },
  {
    name: "python_workers",
    kind: "integer",
    default: "1",
    help: "Processes that run each model in Python side by side",
    take: "yes",
    least: 1,
    most: 256,
  },
  {
    name: "python_device",
    kind: "text",
    default: "auto",
    help: "Where models in Python run: cpu, cuda, cuda:1 and so on, or auto for a GPU where there is one",
    take: "yes",
  },
  {
    name: "python_timeout_seconds",
    kind: "number",
    default: "60",
    help: "Longest run of a request in Python; a process that takes longer is ended and started again",
    take: "yes",
    least: 0.01,
    most: 86_400,
  },
  {
    name: "python_memory_limit_bytes",
    kind: "integer",
    default: "0",
    help: "Most address space of each Python process; 0 for no limit",
    take: "yes",
    ...BYTES,
  },
  {
    name: "python_spare",
    kind: "boolean",
    default: "false",
    help: "Keep one more process of each model in Python loaded, to take the place of one that ends",
    take: "yes",
  },
  {
    name: "python_environment",
    kind: "list",
    default: "",
    help: "Variables of the server's environment that Python processes get besides those of Python and its libraries",
    take: "yes",
  },
  {
    name: "max_request_bytes",
    kind: "integer",
    default: "67108864",
    help: "Largest request, also after decompression",
    take: "yes",
    ...BYTES,
    least: 1,
  },
  {
    name: "max_header_bytes",
    kind: "integer",
    default: "16384",
    help: "Largest request line and headers together",
    take: "yes",
    least: 1024,
    most: 1024 * 1024,
  },
  {
    name: "max_buffered_bytes_per_thread",
    kind: "integer",
    default: "1073741824",
    help: "Request bodies and unsent answers that all connections of a serving thread may keep together; at least --max_request_bytes",
    take: "yes",
    ...BYTES,
    least: 1,
  },
  {
    name: "max_connections_per_thread",
    kind: "integer",
    default: "20000",
    help: "Open connections of one serving thread",
    take: "yes",
    ...COUNT,
    least: 1,
  },
  {
    name: "max_concurrent_streams",
    kind: "integer",
    default: "1024",
    help: "Requests of one HTTP/2 connection open at once",
    take: "yes",
    ...COUNT,
    least: 1,
  },
  {
    name: "headers_timeout_seconds",
    kind: "number",
    default: "10",
    help: "Longest wait for the rest of a request's headers",
    take: "yes",
    ...SECONDS,
  },
  {
    name: "request_timeout_seconds",
    kind: "number",
    default: "60",
    help: "Longest wait for the rest of a request",
    take: "yes",
    ...SECONDS,
  },
  {
    name: "keep_alive_timeout_seconds",
    kind: "number",
    default: "65",
    help: "Longest idle time of a connection",
    take: "yes",
    ...SECONDS,
  },
  {
    name: "write_timeout_seconds",
    kind: "number",
    default: "60",
    help: "Longest wait for a peer that does not read its answer",
    take: "yes",
    ...SECONDS,
  },
  {
    name: "drain_timeout_seconds",
    kind: "number",
    default: "30",
    help: "Longest wait for requests in flight when stopping",
    take: "yes",
    ...COUNT,
  },
  {
    name: "max_queue_delay_ms",
    kind: "number",
    default: "500",
    help: "Longest wait for a model run that is let begin: a request that would wait longer is refused; 0 for any wait",
    take: "yes",
    ...COUNT,
  },
  {
    name: "always_queued_runs_per_thread",
    kind: "integer",
    default: "64",
    help: "Model runs that may wait on a serving thread however long they take; --max_queue_delay_ms is for those beyond",
    take: "yes",
    ...COUNT,
  },
  {
    name: "enable_epoll",
    kind: "boolean",
    default: "true",
    help: "On Linux, serve connections without TLS by system calls of our own instead of Node's streams",
    take: "yes",
  },
  {
    name: "enable_response_compression",
    kind: "boolean",
    default: "false",
    help: "Compress REST answers for callers that accept it",
    take: "yes",
  },
  {
    name: "enable_reload_servables_with_error",
    kind: "boolean",
    default: "false",
    help: "Load a version anew that failed and is still wanted",
    take: "yes",
  },
  {
    name: "servable_versions_always_present",
    kind: "boolean",
    default: "false",
    help: "Keep serving a model whose last version folder was removed; refuse to start or reload with a model that has none",
    take: "yes",
  },
  {
    name: "force_allow_any_version_labels_for_unavailable_models",
    kind: "boolean",
    default: "false",
    help: "Let any label name, and move to, a version that is not served yet",
    take: "yes",
  },
  {
    name: "model_config_list_root_dir",
    kind: "text",
    default: "",
    help: "Folder that relative base paths of a model config in text format or of a reload are below",
    take: "yes",
  },
  {
    name: "aspired_version_policy",
    kind: "choice",
    default: "availability_preserving",
    help: "Load a new version before the old one goes (availability_preserving), or after, with room for one (resource_preserving)",
    take: "yes",
    choices: ["availability_preserving", "resource_preserving"],
  },
  {
    name: "enable_admin_api",
    kind: "boolean",
    default: "false",
    help: "Let whoever can reach a port read and change the served models by HTTP, below /v1/config",
    take: "yes",
  },
  {
    name: "enable_dashboard",
    kind: "boolean",
    default: "true",
    help: "Serve a page that shows the models and what they are asked, below /dashboard",
    take: "yes",
  },
  {
    name: "total_model_memory_limit_bytes",
    kind: "integer",
    default: "0",
    help: "Memory all models may take together; 0 for no limit",
    take: "yes",
    ...BYTES,
  },
  {
    name: "request_log_max_file_bytes",
    kind: "integer",
    default: "67108864",
    help: "Length at which the next file of a request log is begun",
    take: "yes",
    ...BYTES,
    least: 1,
  },
  {
    name: "request_log_max_files",
    kind: "integer",
    default: "10",
    help: "Files of a request log that are kept; the oldest are deleted",
    take: "yes",
    ...COUNT,
    least: 1,
  },
];

/** Flags of Simple TensorFlow Serving that nobody else has. */
const SIMPLE_TENSORFLOW_SERVING_FLAGS: readonly Flag[] = [
  {
    name: "reload_models",
    kind: "boolean",
    default: "false",
    help: "Look for new versions, which is always done: see --file_system_poll_wait_seconds",
    take: "map",
  },
  {
    name: "enable_b64_autoconvert",
    kind: "boolean",
    default: "false",
    help: 'Take {"b64": TEXT} for bytes, which is always done where an input takes strings or images',
    take: "map",
  },
  {
    name: "download_inference_images",
    kind: "boolean",
    default: "true",
    help: "Keep the images that are sent; nothing is kept here",
    take: "ignore",
  },
  { name: "debug", kind: "boolean", default: "false", help: "The same as --log_level=debug, which goes before", take: "map" },
  {
    name: "workers",
    kind: "integer",
    help: "Serving threads, as far as there are cores",
    take: "map",
    ...COUNT,
  },
];

/** Simple TensorFlow Serving's flags of who may call and how. */
const STFS_ACCESS_FLAGS: readonly Flag[] = [
  { name: "enable_auth", kind: "boolean", default: "false", help: "Ask callers for credentials", take: "yes" },
  {
    name: "auth_username",
    kind: "text",
    default: "admin",
    help: "With enable_auth, the name of a user who may do everything",
    take: "yes",
  },
  {
    name: "auth_password",
    kind: "text",
    default: "",
    help: "That user's password, which others on this machine may see here; STFS_AUTH_PASSWORD and auth_password_file are better",
    take: "yes",
  },
  { name: "enable_ssl", kind: "boolean", default: "false", help: "TLS on every port, by secret_pem and secret_key", take: "yes" },
  { name: "secret_pem", kind: "text", default: "secret.pem", help: "With enable_ssl, the certificate in PEM", take: "yes" },
  { name: "secret_key", kind: "text", default: "secret.key", help: "With enable_ssl, its private key in PEM", take: "yes" },
  {
    name: "enable_cors",
    kind: "boolean",
    default: "false",
    help: "The same as rest_api_enable_cors_support",
    take: "yes",
  },
];

/** Every flag of the server. */
export const FLAGS: readonly Flag[] = [
  ...TENSORFLOW_SERVING_FLAGS,
  ...STFS_ACCESS_FLAGS,
  ...OWN_FLAGS,
  ...SIMPLE_TENSORFLOW_SERVING_FLAGS,
];

const BY_NAME: ReadonlyMap<string, Flag> = new Map(FLAGS.map((flag) => [flag.name, flag]));

/** The flag of this name, without dashes in front. */
export function findFlag(name: string): Flag | undefined {
  return BY_NAME.get(name);
}
