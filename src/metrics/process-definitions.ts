import { counter, exponentialLimits, gauge, histogram, type MetricDefinition } from "./definition.ts";

/** 100 microseconds to about 6.5 seconds, in seconds. */
const DELAY_SECONDS_LIMITS = exponentialLimits(0.0001, 2, 17);

/** 1, with what the process is made of as labels. */
export const BUILD_INFO = gauge(
  "modelport_build_info",
  "1, with the versions of the server and of Node.js and the machine's kind as labels.",
  "version",
  "node_version",
  "platform",
  "arch",
);

/** Serving threads that run now. */
export const SERVING_THREADS = gauge("modelport_serving_threads", "Serving threads that run now.");

/** Serving threads that ended before the server stopped; each is replaced. */
export const SERVING_THREAD_RESTARTS = counter(
  "modelport_serving_thread_restarts_total",
  "Serving threads that ended before the server stopped and were replaced.",
);

/** Seconds by which a timer of the thread fired late: how long other work held its event loop. `thread` counts from 0, or is `control`. */
export const EVENT_LOOP_DELAY = histogram(
  "modelport_event_loop_delay_seconds",
  "Time by which a timer of the thread fired late, looked at ten times a second.",
  DELAY_SECONDS_LIMITS,
  "thread",
);

/** Share of the last second that the thread's event loop was not waiting, 0 to 1. */
export const EVENT_LOOP_UTILIZATION = gauge(
  "modelport_event_loop_utilization_ratio",
  "Share of the last second in which the thread's event loop was not waiting, 0 to 1.",
  "thread",
);

/** Bytes of the thread's JavaScript heap in use. */
export const HEAP_USED = gauge("modelport_heap_used_bytes", "Used bytes of the thread's JavaScript heap.", "thread");

/** Bytes that the thread's JavaScript heap may have. */
export const HEAP_LIMIT = gauge("modelport_heap_limit_bytes", "Bytes that the thread's JavaScript heap may have.", "thread");

/** Seconds that garbage collections of the thread took; `kind` is `minor`, `major`, `incremental` or `weak_callbacks`. */
export const GC_SECONDS = counter(
  "modelport_gc_duration_seconds_total",
  "Time that garbage collections of the thread took.",
  "thread",
  "kind",
);

/** When the process started, in seconds since 1970. */
export const PROCESS_START_TIME = gauge("process_start_time_seconds", "When the process started, in seconds since 1970.");

/** Seconds of CPU that the process has used, in user and system mode, all threads. */
export const PROCESS_CPU = counter("process_cpu_seconds_total", "CPU time that the process has used, all threads.");

/** Resident memory of the whole process, in bytes. */
export const RESIDENT_MEMORY = gauge("process_resident_memory_bytes", "Resident memory of the process.");

/** Open file descriptors; absent where the system has no `/proc`. */
export const PROCESS_OPEN_FDS = gauge("process_open_fds", "Open file descriptors.");

/** Most file descriptors that the process may have open; absent where the system has no `/proc`. */
export const PROCESS_MAX_FDS = gauge("process_max_fds", "Most file descriptors that the process may have open.");

/** What is told of the process and its threads. */
export const PROCESS_METRICS: readonly MetricDefinition[] = [
  BUILD_INFO,
  SERVING_THREADS,
  SERVING_THREAD_RESTARTS,
  EVENT_LOOP_DELAY,
  EVENT_LOOP_UTILIZATION,
  HEAP_USED,
  HEAP_LIMIT,
  GC_SECONDS,
  PROCESS_START_TIME,
  PROCESS_CPU,
  RESIDENT_MEMORY,
  PROCESS_OPEN_FDS,
  PROCESS_MAX_FDS,
];
