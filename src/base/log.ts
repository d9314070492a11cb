import { pino } from "pino";
import { LogOutput } from "./log-output.ts";

/** Levels of the log, most talkative first; `silent` writes nothing. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

/** One structured line per event: a short constant name, and what there is to know as fields. */
export interface Log {
  /** Whether debug lines are written; lets a hot path skip making them. */
  readonly debugging: boolean;
  debug(event: string, fields?: object): void;
  info(event: string, fields?: object): void;
  warn(event: string, fields?: object): void;
  error(event: string, fields?: object): void;
}

const STANDARD_ERROR = 2;

/**
 * A log that writes JSON lines to standard error, each as a whole, so that threads may share it. `err` holds an error. What cannot be
 * written is dropped.
 */
export function createLog(level: LogLevel, bindings: object = {}): Log {
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    new LogOutput(STANDARD_ERROR, (lines) => log.warn("log_lines_lost", { lines })),
  ).child(bindings);
  const log: Log = {
    debugging: logger.isLevelEnabled("debug"),
    debug: (event, fields = {}) => logger.debug(fields, event),
    info: (event, fields = {}) => logger.info(fields, event),
    warn: (event, fields = {}) => logger.warn(fields, event),
    error: (event, fields = {}) => logger.error(fields, event),
  };
  return log;
}
