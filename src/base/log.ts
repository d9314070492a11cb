import { pino } from "pino";

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

/** A log that writes JSON lines to standard error, each as a whole, so that threads may share it. `err` holds an error. */
export function createLog(level: LogLevel, bindings: object = {}): Log {
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    pino.destination({ fd: 2, sync: true }),
  ).child(bindings);
  return {
    debugging: logger.isLevelEnabled("debug"),
    debug: (event, fields = {}) => logger.debug(fields, event),
    info: (event, fields = {}) => logger.info(fields, event),
    warn: (event, fields = {}) => logger.warn(fields, event),
    error: (event, fields = {}) => logger.error(fields, event),
  };
}
