import { counter, exponentialLimits, gauge, histogram, latency, type MetricDefinition } from "./definition.ts";
import { PROCESS_METRICS } from "./process-definitions.ts";

/** 10 microseconds to about 1,475 seconds, counted in microseconds: the limits of TensorFlow Serving's latencies. */
const LATENCY_LIMITS = exponentialLimits(10, 1.8, 33);

/** 1 to 16,384 examples. */
const EXAMPLE_COUNT_LIMITS = exponentialLimits(1, 2, 15);

/** 1 to 8,192 rows. */
const BATCH_SIZE_LIMITS = exponentialLimits(1, 2, 14);

/** 50 microseconds to about 6.5 seconds, in seconds. */
const REQUEST_SECONDS_LIMITS = exponentialLimits(0.00005, 2, 18);

/** 10 milliseconds to about 11 minutes, in seconds. */
const LOAD_SECONDS_LIMITS = exponentialLimits(0.01, 2, 17);

/** gRPC Predict, Classify and Regress, and every REST call below `/v1/`; `status` is a canonical name such as `NOT_FOUND`. */
export const REQUEST_COUNT = counter(
  "/tensorflow/serving/request_count",
  "gRPC Predict, Classify and Regress calls and every REST request below /v1/, by their status.",
  "model_name",
  "status",
);

/**
 * Microseconds from a whole request to its answer, successes only. API is `Predict`, `Classify` or `Regress` with entrypoint
 * `GRPC`; `predict`, `classify`, `regress` or empty (a GET) with `REST`.
 */
export const REQUEST_LATENCY = latency(
  "/tensorflow/serving/request_latency",
  "Time from a whole request to its answer, of requests that went well.",
  LATENCY_LIMITS,
  "model_name",
  "API",
  "entrypoint",
);

/** Microseconds of the engine's run alone; `runtime` names the engine. */
export const RUNTIME_LATENCY = latency(
  "/tensorflow/serving/runtime_latency",
  "Time of the engine's run alone, of runs that went well.",
  LATENCY_LIMITS,
  "model_name",
  "API",
  "runtime",
);

/** Examples in one MultiInference request. */
export const REQUEST_EXAMPLE_COUNTS = histogram(
  "/tensorflow/serving/request_example_counts",
  "Examples in one MultiInference request.",
  EXAMPLE_COUNT_LIMITS,
  "model",
);

/** Examples in all MultiInference requests. */
export const REQUEST_EXAMPLE_COUNT_TOTAL = counter(
  "/tensorflow/serving/request_example_count_total",
  "Examples in all MultiInference requests.",
  "model",
);

/** Microseconds of one replay of a model's warm-up records; `status` is `OK` or the full text of what went wrong. */
export const MODEL_WARMUP_LATENCY = latency(
  "/tensorflow/serving/model_warmup_latency",
  "Time of one replay of a model's warm-up records.",
  LATENCY_LIMITS,
  "model_path",
  "status",
);

/** Warm-up records read. */
export const MODEL_WARMUP_RECORDS_READ = counter(
  "/tensorflow/serving/model_warmup_records_read",
  "Warm-up records read.",
  "model_path",
  "status",
);

/** Requests that were logged, or were to be. */
export const REQUEST_LOG_COUNT = counter(
  "/tensorflow/serving/request_log_count",
  "Requests that were logged or were to be, by what became of them.",
  "model_name",
  "status_code",
);

/**
 * 1 for a loaded version that carries the identity of its ML Metadata record; that identity is a label of
 * {@link MODEL_PROVENANCE}. TensorFlow Serving's value is a string, of which its page prints whatever the number beside it is.
 */
export const MLMD_MAP = gauge(
  "/tensorflow/serving/mlmd_map",
  "1 for each loaded version that carries the identity of its ML Metadata record.",
  "model_name",
  "version",
);

/** Microseconds from a task's arrival in a batch queue to the start of its batch. */
export const BATCHING_QUEUING_LATENCY = latency(
  "/tensorflow/serving/batching_session/queuing_latency",
  "Time from a task's arrival in a batch queue to the start of its batch.",
  exponentialLimits(100, 1.2, 52),
  "thread_pool_name",
);

/** Batches run. */
export const BATCHING_WRAPPED_RUN_COUNT = counter("/tensorflow/serving/batching_session/wrapped_run_count", "Batches run.");

/** Rows added to a batch to reach an allowed size. */
export const BATCHING_PADDING_SIZE = histogram(
  "/tensorflow/serving/batching_session/padding_size",
  "Rows added to a batch to reach an allowed size.",
  BATCH_SIZE_LIMITS,
  "execution_batch_size",
);

/** Rows of one task. */
export const BATCHING_INPUT_BATCH_SIZE = histogram(
  "/tensorflow/serving/batching_session/input_batch_size",
  "Rows of one task.",
  BATCH_SIZE_LIMITS,
);

/** Rows of one executed batch, padding included. */
export const BATCHING_PROCESSED_BATCH_SIZE = histogram(
  "/tensorflow/serving/batching_session/processed_batch_size",
  "Rows of one executed batch, padding included.",
  BATCH_SIZE_LIMITS,
);

/**
 * Inference calls that reached a signature of an available version, of every protocol. `method` is `predict`, `classify`,
 * `regress` or `multi_inference`; `status` is a canonical name. Calls that found no such signature are not among them, so
 * that no client chooses label values.
 */
export const SIGNATURE_REQUESTS = counter(
  "modelport_signature_requests_total",
  "Inference calls that reached a signature of an available version, by their status.",
  "model_name",
  "signature_name",
  "method",
  "status",
);

/** Seconds from a call's arrival at its signature to its written answer, successes only. */
export const SIGNATURE_REQUEST_DURATION = histogram(
  "modelport_signature_request_duration_seconds",
  "Time from a call's arrival at its signature to its written answer, of calls that went well.",
  REQUEST_SECONDS_LIMITS,
  "model_name",
  "signature_name",
  "method",
);

/** Requests that wait in batch queues of a model now; one that is split counts once for each part. */
export const BATCHING_QUEUE_TASKS = gauge(
  "modelport_batching_queue_tasks",
  "Requests that wait in a model's batch queues.",
  "model_name",
);

/** Requests whose answer is not ready at once and still awaited; `protocol` is `grpc` or `http`. */
export const REQUESTS_IN_FLIGHT = gauge(
  "modelport_requests_in_flight",
  "Requests read and awaiting an answer from elsewhere than the serving thread.",
  "protocol",
);

/** Inference requests refused because too many model runs wait; `reason` is `queue_delay` or `queue_length`. */
export const REQUESTS_REFUSED = counter(
  "modelport_requests_refused_total",
  "Inference requests refused because too many model runs were waiting.",
  "model_name",
  "reason",
);

/** Connections now open, of either protocol; a second old at most. */
export const OPEN_CONNECTIONS = gauge("modelport_open_connections", "Open connections, counted every second.");

/** Request bodies and unsent answers that connections keep in memory, in bytes; a second old at most. */
export const BUFFERED_BYTES = gauge(
  "modelport_buffered_bytes",
  "Request bodies and unsent answers that connections keep in memory, counted every second.",
);

/** TLS handshakes that did not end in a connection; connections that ended before their first byte are not among them. */
export const TLS_HANDSHAKE_FAILURES = counter(
  "modelport_tls_handshake_failures_total",
  "TLS handshakes that did not end in a connection.",
);

/** Requests that were not let in, by why: missing, malformed, wrong, limited, not_granted or cross_site. */
export const ACCESS_REFUSALS = counter("modelport_access_refusals_total", "Requests that were not let in, by why.", "reason");

/** When the server's certificate expires, in seconds since 1970. */
export const TLS_CERTIFICATE_EXPIRY = gauge(
  "modelport_tls_certificate_expiry_timestamp_seconds",
  "When the server's certificate expires, in seconds since 1970.",
);

/** 1 when every configured model has an available version, otherwise 0. */
export const READY = gauge("modelport_ready", "1 when every configured model has an available version, otherwise 0.");

/** Versions of a model now in a state, such as `AVAILABLE`. */
export const MODEL_VERSIONS = gauge(
  "modelport_model_versions",
  "Versions of a model now in a state, such as AVAILABLE.",
  "model_name",
  "state",
);

/** Seconds from the first byte read to a version ready to serve, failures too; `status` is a canonical name. */
export const MODEL_LOAD_DURATION = histogram(
  "modelport_model_load_duration_seconds",
  "Time of reading and loading a version, failures too, by status.",
  LOAD_SECONDS_LIMITS,
  "model_name",
  "status",
);

/** Bytes that the resource tracker counts for a model's loaded versions: an estimate from the size of their files. */
export const MODEL_MEMORY = gauge(
  "modelport_model_memory_bytes",
  "Memory reserved for a model's versions, estimated from the size of their files.",
  "model_name",
);

/** 1 for each loaded version with an ML Metadata identity, which `mlmd_uuid` has. */
export const MODEL_PROVENANCE = gauge(
  "modelport_model_provenance_info",
  "1 for each loaded version that carries the identity of its ML Metadata record.",
  "model_name",
  "version",
  "mlmd_uuid",
);

/** Changes of the set of served models, by how they ended; `status` is a canonical name. */
export const CONFIG_RELOADS = counter(
  "modelport_config_reloads_total",
  "Changes of the served models, by call or because the configuration changed, by their status.",
  "status",
);

/** When the set of served models was last changed with success, in seconds since 1970; the start counts as a change. */
export const CONFIG_LAST_RELOAD = gauge(
  "modelport_config_last_reload_success_timestamp_seconds",
  "When the served models were last set with success, in seconds since 1970; the start counts.",
);

/** Every metric of the server. */
export const METRICS: readonly MetricDefinition[] = [
  REQUEST_COUNT,
  REQUEST_LATENCY,
  RUNTIME_LATENCY,
  REQUEST_EXAMPLE_COUNTS,
  REQUEST_EXAMPLE_COUNT_TOTAL,
  MODEL_WARMUP_LATENCY,
  MODEL_WARMUP_RECORDS_READ,
  REQUEST_LOG_COUNT,
  MLMD_MAP,
  BATCHING_QUEUING_LATENCY,
  BATCHING_WRAPPED_RUN_COUNT,
  BATCHING_PADDING_SIZE,
  BATCHING_INPUT_BATCH_SIZE,
  BATCHING_PROCESSED_BATCH_SIZE,
  BATCHING_QUEUE_TASKS,
  SIGNATURE_REQUESTS,
  SIGNATURE_REQUEST_DURATION,
  REQUESTS_IN_FLIGHT,
  REQUESTS_REFUSED,
  OPEN_CONNECTIONS,
  BUFFERED_BYTES,
  TLS_HANDSHAKE_FAILURES,
  ACCESS_REFUSALS,
  TLS_CERTIFICATE_EXPIRY,
  READY,
  MODEL_VERSIONS,
  MODEL_LOAD_DURATION,
  MODEL_MEMORY,
  MODEL_PROVENANCE,
  CONFIG_RELOADS,
  CONFIG_LAST_RELOAD,
  ...PROCESS_METRICS,
];
