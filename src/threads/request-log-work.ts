import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { ServingError, type StatusCode } from "../base/serving-error.ts";
import { statusName } from "../base/status-code.ts";
import { predictionLogLine } from "../codec/prediction-log-json.ts";
import { encodeTfRecord } from "../codec/tf-record/tf-record-writer.ts";
import { REQUEST_LOG_COUNT } from "../metrics/definitions.ts";
import type { MetricsShard } from "../metrics/metrics-shard.ts";
import type { RequestLogFormat } from "../model/request-logging.ts";
import { forEachRecord } from "../serving/request-log-batch.ts";
import { type FileCalls, type RequestLogFileLimits, RequestLogFiles } from "./request-log-files.ts";

/** What the records of one number are and where they go. */
export interface RequestLogStream {
  readonly number: number;
  readonly model: string;
  readonly filenamePrefix: string;
  readonly format: RequestLogFormat;
}

/** What {@link RequestLogWork} is made of. */
export interface RequestLogWorkParts extends RequestLogFileLimits {
  /** As in {@link RequestLogChannel}. */
  readonly pending: Int32Array;
  readonly shard: MetricsShard;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly time: () => number;
  readonly calls?: FileCalls;
}

/** How long a place that cannot be written to is left alone. */
const RETRY_MS = 1000;

const EXTENSIONS: Readonly<Record<RequestLogFormat, string>> = { tfrecord: ".tfrecord", jsonl: ".jsonl" };

/** A prefix with a format: the files that one or more streams share. */
interface Place {
  readonly key: string;
  readonly files: RequestLogFiles;
  /** Records that wait for the end of the batch, and the model of each. */
  readonly records: Uint8Array[];
  readonly models: string[];
  state: { readonly kind: "working" } | { readonly kind: "failing"; readonly retryAt: number };
}

/** What the request log thread does: takes batches of records apart, gives each its form, and writes them to files. */
export class RequestLogWork {
  readonly #parts: RequestLogWorkParts;
  readonly #streams = new Map<number, RequestLogStream>();
  readonly #places = new Map<string, Place>();
  #wanted: ReadonlySet<string> = new Set();

  constructor(parts: RequestLogWorkParts) {
    this.#parts = parts;
  }

  /** Which streams there are now. Records of earlier ones that are on their way are written still. */
  configure(streams: readonly RequestLogStream[]): void {
    for (const stream of streams) this.#streams.set(stream.number, stream);
    this.#wanted = new Set(streams.map(keyOf));
    this.#closeUnwanted();
  }

  /** Writes a batch to its files before it returns. Never throws. */
  write(batch: Uint8Array): void {
    try {
      forEachRecord(batch, (number, record) => this.#add(number, record));
      for (const place of this.#places.values()) this.#append(place);
      this.#closeUnwanted();
    } finally {
      Atomics.sub(this.#parts.pending, 0, batch.length);
    }
  }

  /** Ends every file. */
  close(): void {
    for (const place of this.#places.values()) this.#close(place);
    this.#places.clear();
  }

  #add(number: number, record: Uint8Array): void {
    const stream = this.#streams.get(number);
    if (stream === undefined) return;
    try {
      const formed = stream.format === "tfrecord" ? encodeTfRecord(record) : predictionLogLine(record);
      const place = this.#place(stream);
      place.records.push(formed);
      place.models.push(stream.model);
    } catch (reason) {
      this.#count([stream.model], ServingError.from(reason).code);
    }
  }

  #place(stream: RequestLogStream): Place {
    const key = keyOf(stream);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const { format, filenamePrefix: prefix } = stream;
    const files = new RequestLogFiles({ ...this.#parts, prefix, extension: EXTENSIONS[format] });
    const place: Place = { key, files, records: [], models: [], state: { kind: "working" } };
    this.#places.set(key, place);
    return place;
  }

  #append(place: Place): void {
    const { state } = place;
    const resting = state.kind === "failing" && this.#parts.clock.now() < state.retryAt;
    while (!resting && place.records.length > 0) {
      const count = place.files.fitting(place.records);
      try {
        place.files.append(count === 1 ? place.records[0]! : Buffer.concat(place.records.slice(0, count)));
      } catch (reason) {
        this.#failed(place, reason);
        break;
      }
      if (place.state.kind === "failing") {
        place.state = { kind: "working" };
        this.#parts.log.info("request_log_resumed", { models: [...new Set(place.models)] });
      }
      this.#count(place.models.splice(0, count), "ok");
      place.records.splice(0, count);
    }
    this.#count(place.models.splice(0), "unavailable");
    place.records.length = 0;
  }

  /** Told once, until it works again. */
  #failed(place: Place, reason: unknown): void {
    const { clock, log } = this.#parts;
    if (place.state.kind === "working") log.error("request_log_failed", { models: [...new Set(place.models)], err: reason });
    place.state = { kind: "failing", retryAt: clock.now() + RETRY_MS };
  }

  #closeUnwanted(): void {
    for (const place of this.#places.values()) {
      if (this.#wanted.has(place.key)) continue;
      this.#places.delete(place.key);
      this.#close(place);
    }
  }

  #close(place: Place): void {
    try {
      place.files.close();
    } catch (reason) {
      if (place.state.kind === "working") this.#parts.log.error("request_log_failed", { models: [], err: reason });
    }
  }

  #count(models: readonly string[], code: StatusCode | "ok"): void {
    for (const model of models) this.#parts.shard.counter(REQUEST_LOG_COUNT, model, statusName(code)).add(1);
  }
}

function keyOf({ format, filenamePrefix }: RequestLogStream): string {
  return `${format} ${filenamePrefix}`;
}
