import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { throwIfAborted } from "../../base/abort.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import { deferred } from "../../base/deferred.ts";
import { ServingError, type StatusCode } from "../../base/serving-error.ts";
import { STATUS_CODES } from "../../base/status-code.ts";
import { ControlChannel, type FromWorker } from "./control-channel.ts";
import { type OutputSink, WorkerOutput } from "./worker-output.ts";

/** The protocol that this side speaks. */
const PROTOCOL = 1;
const PING_MS = 1000;
/** Without an answer for so long a worker is stuck where Python cannot even answer a ping. */
const SILENT_MS = 30_000;
/** While it loads, libraries may keep the interpreter to themselves for longer. */
const SILENT_LOADING_MS = 120_000;
/** Longest that an interpreter may take to begin, and a model to load. */
const START_MS = 60_000;
const LOAD_MS = 15 * 60_000;
/** What a run may take beyond its limit before its worker is ended: its caller hears of the limit first. */
const GRACE_MS = 100;
/** After it was asked to, a worker may take so long to end. */
const STOP_MS = 3000;
/** Of what a worker printed last, for the error of one that ends while it loads. */
const LAST_LINE_CHARACTERS = 300;

/** How to start a worker. */
export interface WorkerStart {
  readonly interpreter: string;
  /** Absolute path of the worker's Python file. */
  readonly script: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute; its working folder. */
  readonly folder: string;
  /** Longest run of a request. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly output: OutputSink;
  /** Told of what it does while it loads. */
  readonly onProgress: (step: string) => void;
}

/** What a worker is made of. */
export interface WorkerVersions {
  readonly python: string;
  readonly torch: string | undefined;
  readonly numpy: string | undefined;
}

/** A process that runs one model. */
export class WorkerProcess {
  readonly #start: WorkerStart;
  readonly #child: ChildProcess;
  readonly #channel: ControlChannel;
  readonly #hello = deferred<WorkerVersions>();
  readonly #loaded = deferred<unknown>();
  readonly #serving = deferred<void>();
  readonly #ended = deferred<string>();
  #reason: string | undefined;
  #lastLine = "";
  #isLoaded = false;
  #pings = 0;
  #heardAt: number;
  #timer: Timer | undefined;
  #gone = false;

  constructor(start: WorkerStart) {
    this.#start = start;
    const { interpreter, script, environment, folder, clock } = start;
    this.#heardAt = clock.now();
    for (const step of [this.#hello, this.#loaded, this.#serving]) step.promise.catch(() => undefined);
    // In a group of its own: Ctrl-C is for the server alone, and what the model starts can be ended with it.
    this.#child = spawn(interpreter, ["-u", script], {
      cwd: folder,
      env: environment,
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      detached: true,
    });
    const child = this.#child;
    for (const stream of [child.stdout!, child.stderr!]) {
      new WorkerOutput(
        stream,
        { ...start.output, line: (text) => this.#printed(text), dropped: (bytes) => start.output.dropped(bytes) },
        clock,
      );
    }
    this.#channel = new ControlChannel(
      child.stdio[3] as unknown as Duplex,
      (message) => this.#hear(message),
      () => this.kill("it spoke what is no message"),
    );
    child.on("error", (cause) => this.#end("it could not be started", cause));
    child.on("exit", (code, signal) => this.#end(signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`));
    this.#watch();
  }

  /** Undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether the process has ended. */
  get isGone(): boolean {
    return this.#gone;
  }

  /** Resolves once the process is gone, with why: `it ended with code 1`. */
  get ended(): Promise<string> {
    return this.#ended.promise;
  }

  /** Resolves once the interpreter runs. Rejects with failed-precondition when it cannot. */
  get versions(): Promise<WorkerVersions> {
    return this.#within(START_MS, "has not started", this.#hello.promise);
  }

  /** Lets it load a model; what it tells of the signatures. Rejects with a ServingError, the signal's reason once that aborts. */
  async load(task: object, signal: AbortSignal): Promise<unknown> {
    throwIfAborted(signal);
    const onAbort = () => this.kill("it was not wanted any more");
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      this.#channel.send({ ...task, kind: "load" });
      return await this.#within(LOAD_MS, "has not loaded the model", this.#loaded.promise);
    } catch (reason) {
      throwIfAborted(signal);
      throw reason;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Lets it take requests at a socket. Call after {@link load}. Rejects when it ends first. */
  async serve(socket: string): Promise<void> {
    this.#channel.send({ kind: "serve", socket } as { readonly kind: string });
    await this.#serving.promise;
  }

  /** Ends it, by force if it does not end by itself. Resolves once it is gone. */
  async stop(): Promise<void> {
    this.#channel.send({ kind: "stop" });
    const overdue = this.#start.clock.after(STOP_MS, () => this.kill("it did not stop"));
    await this.#ended.promise;
    overdue.cancel();
    this.#killGroup();
  }

  /** Ends it and what it has started, at once. */
  kill(reason: string): void {
    this.#reason ??= reason;
    this.#killGroup();
  }

  #killGroup(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // Everything in it is gone.
    }
  }

  #printed(text: string): void {
    this.#lastLine = text.slice(0, LAST_LINE_CHARACTERS);
    this.#start.output.line(text);
  }

  #hear(message: FromWorker): void {
    this.#heardAt = this.#start.clock.now();
    switch (message.kind) {
      case "hello":
        if (message.protocol === PROTOCOL) this.#hello.resolve(versionsOf(message));
        else this.kill("it speaks another protocol");
        break;
      case "progress":
        this.#start.onProgress(message.step);
        break;
      case "loaded":
        this.#isLoaded = true;
        this.#loaded.resolve(message.signatures);
        break;
      case "failed":
        this.#loaded.reject(new ServingError(codeOf(message.code), message.message));
        break;
      case "serving":
        this.#serving.resolve();
        break;
      case "pong":
        if (message.runningMs !== null && message.runningMs > this.#start.timeoutMs + GRACE_MS) {
          this.kill(`a request took longer than ${this.#start.timeoutMs / 1000} seconds`);
        }
    }
  }

  #watch(): void {
    const { clock, timeoutMs } = this.#start;
    this.#timer = clock.after(Math.min(PING_MS, Math.max(20, timeoutMs / 4)), () => {
      if (clock.now() - this.#heardAt > (this.#isLoaded ? SILENT_MS : SILENT_LOADING_MS))
        return this.kill("it gave no sign of life");
      this.#channel.send({ kind: "ping", number: ++this.#pings } as { readonly kind: string });
      this.#watch();
    });
  }

  #end(how: string, cause?: unknown): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#timer?.cancel();
    this.#killGroup();
    const why = this.#reason ?? how;
    const said = this.#lastLine === "" || this.#reason !== undefined ? "" : ` (it said last: ${withoutPaths(this.#lastLine)})`;
    const started = new ServingError(
      "failed-precondition",
      cause === undefined
        ? `the Python worker ended before it was ready: ${why}${said}`
        : "the Python interpreter cannot be started: name one with --python, or python in the model's config",
      { cause },
    );
    this.#hello.reject(started);
    this.#loaded.reject(
      new ServingError(
        this.#reason === undefined ? "unavailable" : "deadline-exceeded",
        `the Python worker ended while it loaded the model: ${why}${said}`,
      ),
    );
    this.#serving.reject(new ServingError("unavailable", `the Python worker ended: ${why}`));
    this.#ended.resolve(why);
  }

  async #within<Value>(milliseconds: number, what: string, value: Promise<Value>): Promise<Value> {
    const timer = this.#start.clock.after(milliseconds, () => this.kill(`it ${what} within ${milliseconds / 1000} seconds`));
    try {
      return await value;
    } finally {
      timer.cancel();
    }
  }
}

function versionsOf({ python, torch, numpy }: Extract<FromWorker, { kind: "hello" }>): WorkerVersions {
  return { python, torch: torch ?? undefined, numpy: numpy ?? undefined };
}

function codeOf(told: string): StatusCode {
  return STATUS_CODES.includes(told as StatusCode) && told !== "ok" ? (told as StatusCode) : "internal";
}

/** Of every absolute path the last name. */
function withoutPaths(text: string): string {
  return text.replace(/(?<![\w.:/])(?:\/[^\s/'"<>:,;()]+)+\/([^\s/'"<>:,;()]+)/g, "$1");
}
