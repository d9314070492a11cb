import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { Clock, Timer } from "../base/clock.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import type { Log, LogLevel } from "../base/log.ts";
import type { MetricsCatalog } from "../metrics/metrics-catalog.ts";
import type { RequestLogging } from "../model/request-logging.ts";
import type { RequestLogRule } from "../serving/request-log.ts";
import type { RequestLogFileLimits } from "./request-log-files.ts";
import { type RequestLogThreadLink, type StartRequestLogThread, startRequestLogThread } from "./request-log-thread-link.ts";
import type { RequestLogStream } from "./request-log-work.ts";

/** What a serving thread is told of request logs. */
export interface RequestLogNotice {
  readonly kind: "request-logs";
  /** By model; empty when nothing is logged. */
  readonly rules: ReadonlyMap<string, RequestLogRule>;
  /** The memory of {@link RequestLogChannel.pending}. */
  readonly pending: SharedArrayBuffer;
  /** Where batches go from now on; goes along with the notice. */
  readonly port: MessagePort;
}

/** What {@link RequestLogs} is made of. */
export interface RequestLogsParts {
  readonly limits: RequestLogFileLimits;
  readonly logLevel: LogLevel;
  readonly catalog: MetricsCatalog;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when every serving thread is to be told anew, by a {@link RequestLogs.notice} of its own. */
  readonly changed: () => void;
  /** Default: a worker of this process. */
  readonly startThread?: StartRequestLogThread;
}

/** Shards of request log threads count downwards from here: those above are serving threads and the control thread. */
const FIRST_SHARD = -2;

/** A thread that ends is replaced after this. */
const RESTART_MS = 1000;

interface Session {
  readonly link: RequestLogThreadLink;
  readonly pending: SharedArrayBuffer;
  readonly ended: Deferred<void>;
}

/**
 * The control thread's end of request logging: the thread that writes the files, which is started when the first model logs and replaced
 * when it dies, and what the serving threads are told.
 */
export class RequestLogs {
  readonly #parts: RequestLogsParts;
  /** Every stream there ever was, by what it is: a number is not given twice. */
  readonly #numbers = new Map<string, number>();
  #streams: readonly RequestLogStream[] = [];
  #rules: ReadonlyMap<string, RequestLogRule> = new Map();
  /** The thread that writes; undefined before the first model logs, and while there is none after one has died. */
  #session: Session | undefined;
  #restart: Timer | undefined;
  #shard = FIRST_SHARD;
  #stopped = false;

  constructor(parts: RequestLogsParts) {
    this.#parts = parts;
  }

  /** Replaces what is logged, by model. */
  configure(loggings: ReadonlyMap<string, RequestLogging>): void {
    const logged = [...loggings].filter(([, { samplingRate }]) => samplingRate > 0);
    const began = this.#session !== undefined || this.#restart !== undefined;
    if (this.#stopped || (logged.length === 0 && !began)) return;
    this.#streams = logged.map(([model, { filenamePrefix, format }]) => {
      const number = this.#numberOf(`${format} ${filenamePrefix}\0${model}`);
      return { number, model, filenamePrefix, format };
    });
    this.#rules = new Map(
      logged.map(([model, { samplingRate }], index) => [model, { samplingRate, stream: this.#streams[index]!.number }]),
    );
    // The one that takes the place of one that died is told all this when it begins.
    if (this.#restart === undefined) this.#configureThread();
  }

  /**
   * What one serving thread is to be told, with a connection of its own; undefined while nothing was ever logged, and while nobody writes:
   * what is sent to nobody would be kept.
   */
  notice(): RequestLogNotice | undefined {
    if (this.#session === undefined) return undefined;
    const { link, pending } = this.#session;
    const { port1, port2 } = new MessageChannel();
    link.post({ kind: "connect", port: port1 });
    return { kind: "request-logs", rules: this.#rules, pending, port: port2 };
  }

  /** Writes what was sent, ends every file and the thread. To be called once no serving thread sends any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#restart?.cancel();
    this.#session?.link.post({ kind: "stop" });
    await this.#session?.ended.promise;
  }

  #configureThread(): void {
    this.#session ??= this.#start();
    this.#session.link.post({ kind: "configure", streams: this.#streams });
    this.#parts.changed();
  }

  #numberOf(stream: string): number {
    const known = this.#numbers.get(stream);
    const number = known ?? this.#numbers.size;
    if (known === undefined) this.#numbers.set(stream, number);
    return number;
  }

  #start(): Session {
    const { limits, logLevel, catalog, clock, log, startThread = startRequestLogThread } = this.#parts;
    const shard = this.#shard--;
    const pending = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const ended = deferred<void>();
    const link = startThread(
      { limits, logLevel, pending },
      {
        metric: (announcement) => catalog.accept(shard, announcement),
        ended: (reason) => {
          catalog.retire(shard);
          ended.resolve();
          this.#session = undefined;
          if (this.#stopped) return;
          log.error("request_log_thread_ended", { err: reason });
          this.#restart = clock.after(RESTART_MS, () => {
            this.#restart = undefined;
            this.#configureThread();
          });
        },
      },
    );
    return { link, pending, ended };
  }
}
