import {
  type CounterDefinition,
  exponentialLimits,
  type GaugeDefinition,
  type HistogramDefinition,
  type MetricDefinition,
} from "./definition.ts";

/** 10 microseconds to about 1,475 seconds, counted in microseconds: the limits of TensorFlow Serving's latencies. */
const LATENCY_LIMITS = exponentialLimits(10, 1.8, 33);

/** 1 to 16,384 examples. */
const EXAMPLE_COUNT_LIMITS = exponentialLimits(1, 2, 15);

/** 1 to 8,192 rows. */
const BATCH_SIZE_LIMITS = exponentialLimits(1, 2, 14);

function counter<const Labels extends readonly string[]>(name: string, ...labels: Labels): CounterDefinition<Labels> {
  return { kind: "counter", name, labels };
}

function gauge<const Labels extends readonly string[]>(name: string, ...labels: Labels): GaugeDefinition<Labels> {
  return { kind: "gauge", name, labels };
}

function histogram<const Labels extends readonly string[]>(
  name: string,
  limits: Float64Array,
  ...labels: Labels
): HistogramDefinition<Labels> {
  return { kind: "histogram", name, limits, labels };
}

/** gRPC Predict, Classify and Regress, and every REST call below `/v1/`; `status` is a canonical name such as `NOT_FOUND`. */
export const REQUEST_COUNT = counter("/tensorflow/serving/request_count", "model_name", "status");

/**
 * Microseconds from a whole request to its answer, successes only. API is `Predict`, `Classify` or `Regress` with entrypoint
 * `GRPC`; `predict`, `classify`, `regress` or empty (a GET) with `REST`.
 */
export const REQUEST_LATENCY = histogram(
  "/tensorflow/serving/request_latency",
  LATENCY_LIMITS,
  "model_name",
  "API",
  "entrypoint",
);

/** Microseconds of the engine's run alone; `runtime` names the engine. */
export const RUNTIME_LATENCY = histogram("/tensorflow/serving/runtime_latency", LATENCY_LIMITS, "model_name", "API", "runtime");

/** Examples in one MultiInference request. */
export const REQUEST_EXAMPLE_COUNTS = histogram("/tensorflow/serving/request_example_counts", EXAMPLE_COUNT_LIMITS, "model");

/** Examples in all MultiInference requests. */
export const REQUEST_EXAMPLE_COUNT_TOTAL = counter("/tensorflow/serving/request_example_count_total", "model");

/** Microseconds of one replay of a model's warm-up records; `status` is `OK` or the full text of what went wrong. */
export const MODEL_WARMUP_LATENCY = histogram("/tensorflow/serving/model_warmup_latency", LATENCY_LIMITS, "model_path", "status");

/** Warm-up records read. */
export const MODEL_WARMUP_RECORDS_READ = counter("/tensorflow/serving/model_warmup_records_read", "model_path", "status");

/** Requests that were logged, or were to be. */
export const REQUEST_LOG_COUNT = counter("/tensorflow/serving/request_log_count", "model_name", "status_code");

/** Microseconds from a task's arrival in a batch queue to the start of its batch. */
export const BATCHING_QUEUING_LATENCY = histogram(
  "/tensorflow/serving/batching_session/queuing_latency",
  exponentialLimits(100, 1.2, 52),
  "thread_pool_name",
);

/** Batches run. */
export const BATCHING_WRAPPED_RUN_COUNT = counter("/tensorflow/serving/batching_session/wrapped_run_count");

/** Rows added to a batch to reach an allowed size. */
export const BATCHING_PADDING_SIZE = histogram(
  "/tensorflow/serving/batching_session/padding_size",
  BATCH_SIZE_LIMITS,
  "execution_batch_size",
);

/** Rows of one task. */
export const BATCHING_INPUT_BATCH_SIZE = histogram("/tensorflow/serving/batching_session/input_batch_size", BATCH_SIZE_LIMITS);

/** Rows of one executed batch, padding included. */
export const BATCHING_PROCESSED_BATCH_SIZE = histogram(
  "/tensorflow/serving/batching_session/processed_batch_size",
  BATCH_SIZE_LIMITS,
);

/** Requests whose answer is not ready at once and still awaited; `protocol` is `grpc` or `http`. */
export const REQUESTS_IN_FLIGHT = gauge("/modelport/requests_in_flight", "protocol");

/** Connections now open, of either protocol; a second old at most. */
export const OPEN_CONNECTIONS = gauge("/modelport/open_connections");

/** Request bodies and unsent answers that connections keep in memory, in bytes; a second old at most. */
export const BUFFERED_BYTES = gauge("/modelport/buffered_bytes");

/** TLS handshakes that did not end in a connection; connections that ended before their first byte are not among them. */
export const TLS_HANDSHAKE_FAILURES = counter("/modelport/tls_handshake_failures");

/** Seconds until the server's certificate expires; negative after that. */
export const TLS_CERTIFICATE_SECONDS_LEFT = gauge("/modelport/tls_certificate_seconds_left");

/** Versions of a model now in a state, such as `AVAILABLE`. */
export const MODEL_VERSIONS = gauge("/modelport/model_versions", "model_name", "state");

/** Microseconds from the first byte read to a version ready to serve, failures too; `status` is a canonical name. */
export const MODEL_LOAD_LATENCY = histogram("/modelport/model_load_latency", LATENCY_LIMITS, "model_name", "status");

/** Microseconds by which a timer of the thread fired late: how long other work held its event loop. */
export const EVENT_LOOP_DELAY = histogram("/modelport/event_loop_delay", LATENCY_LIMITS, "thread");

/** Resident memory of the whole process, in bytes. */
export const RESIDENT_MEMORY = gauge("/modelport/resident_memory_bytes");

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
  BATCHING_QUEUING_LATENCY,
  BATCHING_WRAPPED_RUN_COUNT,
  BATCHING_PADDING_SIZE,
  BATCHING_INPUT_BATCH_SIZE,
  BATCHING_PROCESSED_BATCH_SIZE,
  REQUESTS_IN_FLIGHT,
  OPEN_CONNECTIONS,
  BUFFERED_BYTES,
  TLS_HANDSHAKE_FAILURES,
  TLS_CERTIFICATE_SECONDS_LEFT,
  MODEL_VERSIONS,
  MODEL_LOAD_LATENCY,
  EVENT_LOOP_DELAY,
  RESIDENT_MEMORY,
];
