import { rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { throwIfAborted } from "../../base/abort.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { PythonLoad } from "../../model/python-options.ts";
import type { PythonProgram } from "../../model/python-program.ts";
import { workerEnvironment } from "./worker-environment.ts";
import type { OutputSink } from "./worker-output.ts";
import { WorkerProcess } from "./worker-process.ts";
import { readWorkerSignatures, type WorkerSignatures } from "./worker-signatures.ts";

/** A worker that served for so long was well: the next one begins at once. */
const WELL_MS = 1000;
/** Before the next try when one was not well; doubled at each, up to the most. */
const FIRST_DELAY_MS = 100;
const MOST_DELAY_MS = 30_000;
/** Before another spare is made in the place of one that ended unused. */
const SPARE_DELAY_MS = 5000;

/** What a group of workers is made of. */
export interface WorkerGroupParts {
  readonly program: PythonProgram;
  readonly options: PythonLoad;
  /** Absolute path of the worker's Python file. */
  readonly script: string;
  /** Of this process; tells groups apart. */
  readonly number: number;
  /** Absolute; where the sockets are. */
  readonly sockets: string;
  readonly mostAnswerBytes: number;
  readonly clock: Clock;
  readonly log: Log;
}

interface Loaded {
  readonly process: WorkerProcess;
  readonly told: WorkerSignatures;
}

/** A place in the group, where one worker after the other listens at the same path. */
interface Slot {
  readonly index: number;
  readonly socket: string;
  worker: WorkerProcess | undefined;
  failures: number;
  retry: Timer | undefined;
}

/**
 * The workers of one version: as many as were asked for, each started again when it ends, the sooner the better it was. With a spare, one more is
 * loaded already and takes the place of one that ends.
 */
export class WorkerGroup {
  readonly #parts: WorkerGroupParts;
  readonly #slots: readonly Slot[];
  readonly #starting = new Set<WorkerProcess>();
  readonly #stopping = new AbortController();
  #spare: Promise<Loaded | undefined> | undefined;
  #started = 0;
  #signatures: WorkerSignatures | undefined;

  private constructor(parts: WorkerGroupParts) {
    this.#parts = parts;
    this.#slots = Array.from({ length: parts.options.workers }, (_, index) => ({
      index,
      socket: join(parts.sockets, `${parts.number}-${index}.sock`),
      worker: undefined,
      failures: 0,
      retry: undefined,
    }));
  }

  /** Starts all workers and waits for their sockets. Rejects with a ServingError, nothing being left, or with the signal's reason. */
  static async load(parts: WorkerGroupParts, signal: AbortSignal): Promise<WorkerGroup> {
    const group = new WorkerGroup(parts);
    const either = AbortSignal.any([signal, group.#stopping.signal]);
    const begun = group.#slots.map((slot) => group.#fill(slot, either));
    const failed = (await Promise.allSettled(begun)).find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) {
      await group.stop();
      throwIfAborted(signal);
      throw ServingError.from(failed.reason);
    }
    for (const slot of group.#slots) group.#guard(slot);
    if (parts.options.warmSpare) group.#spare = group.#makeSpare();
    return group;
  }

  get signatures(): WorkerSignatures {
    return this.#signatures!;
  }

  /** Paths of the sockets, which stay the same. */
  get sockets(): readonly string[] {
    return this.#slots.map(({ socket }) => socket);
  }

  /** Ends all workers. Resolves once they are gone. */
  async stop(): Promise<void> {
    this.#stopping.abort(new ServingError("cancelled", "the model is unloaded"));
    for (const { retry } of this.#slots) retry?.cancel();
    const running = new Set([...this.#starting, ...this.#slots.flatMap(({ worker }) => worker ?? [])]);
    await Promise.all([...running].map((worker) => worker.stop()));
    const spare = await this.#spare;
    await spare?.process.stop();
    await Promise.all(this.#slots.map(({ socket }) => rm(socket, { force: true }).catch(() => undefined)));
  }

  async #fill(slot: Slot, signal: AbortSignal): Promise<void> {
    const loaded = (await this.#takeSpare()) ?? (await this.#start(signal));
    this.#signatures ??= loaded.told;
    slot.worker = loaded.process;
    await loaded.process.serve(slot.socket);
  }

  /** A loaded worker that waits, which is then missed; undefined without one. */
  async #takeSpare(): Promise<Loaded | undefined> {
    const spare = this.#spare;
    if (spare === undefined) return undefined;
    this.#spare = undefined;
    const loaded = await spare;
    return loaded?.process.isGone === true ? undefined : loaded;
  }

  /** Never rejects: without a spare the group goes on. */
  async #makeSpare(): Promise<Loaded | undefined> {
    return await this.#start(this.#stopping.signal)
      .then((loaded) => this.#guardSpare(loaded))
      .catch((reason: unknown) => {
        if (!this.#stopping.signal.aborted) this.#parts.log.warn("python_spare_failed", { ...this.#names(), err: reason });
        return undefined;
      });
  }

  /** A spare that ends before it is needed is replaced, some time later. */
  #guardSpare(loaded: Loaded): Loaded {
    const { clock } = this.#parts;
    const own = this.#spare;
    void loaded.process.ended.then(() => {
      if (this.#spare !== own || this.#stopping.signal.aborted) return;
      this.#spare = undefined;
      clock.after(SPARE_DELAY_MS, () => {
        if (!this.#stopping.signal.aborted) this.#spare ??= this.#makeSpare();
      });
    });
    return loaded;
  }

  async #start(signal: AbortSignal): Promise<Loaded> {
    throwIfAborted(signal);
    const { program, options, script, sockets, number, mostAnswerBytes, clock, log } = this.#parts;
    const worker = this.#started++;
    const scratch = join(sockets, `${number}-${worker}.files`);
    const names = { ...this.#names(), worker };
    const began = clock.now();
    const process = new WorkerProcess({
      interpreter: options.interpreter,
      script,
      environment: workerEnvironment(globalThis.process.env, options.environment, threadsOf(options.workers)),
      folder: program.folder,
      timeoutMs: options.timeoutMs,
      clock,
      output: outputSink(log, names),
      onProgress: (step) => log.debug("python_worker_loading", { ...names, step }),
    });
    this.#starting.add(process);
    void process.ended.then(() => rm(scratch, { recursive: true, force: true }).catch(() => undefined));
    try {
      const versions = await process.versions;
      const told = readWorkerSignatures(
        await process.load(
          {
            form: program.form,
            folder: program.folder,
            file: program.file,
            ...(program.codeFile !== undefined && { code: program.codeFile }),
            ...(program.declared !== undefined && { declared: program.declared }),
            model: options.model,
            version: options.version,
            device: options.device,
            memoryLimitBytes: options.memoryLimitBytes ?? null,
            mostAnswerBytes,
            worker,
            scratch,
          },
          signal,
        ),
      );
      log.info("python_worker_started", {
        ...names,
        pid: process.pid,
        milliseconds: Math.round(clock.now() - began),
        python: versions.python,
        ...(versions.torch !== undefined && { torch: versions.torch }),
        ...(versions.numpy !== undefined && { numpy: versions.numpy }),
      });
      return { process, told };
    } catch (reason) {
      process.kill("its model could not be loaded");
      throw reason;
    } finally {
      this.#starting.delete(process);
    }
  }

  /** Puts another worker in the place of one that ends. */
  #guard(slot: Slot): void {
    const { clock, log } = this.#parts;
    const since = clock.now();
    void slot.worker!.ended.then((reason) => {
      slot.worker = undefined;
      if (this.#stopping.signal.aborted) return;
      log.warn("python_worker_ended", { ...this.#names(), slot: slot.index, reason });
      if (clock.now() - since >= WELL_MS) slot.failures = 0;
      this.#refill(slot);
    });
  }

  #refill(slot: Slot): void {
    const delay = slot.failures === 0 ? 0 : Math.min(MOST_DELAY_MS, FIRST_DELAY_MS * 2 ** (slot.failures - 1));
    slot.failures++;
    slot.retry = this.#parts.clock.after(delay, () => void this.#restart(slot));
  }

  async #restart(slot: Slot): Promise<void> {
    try {
      await this.#fill(slot, this.#stopping.signal);
      if (this.#parts.options.warmSpare) this.#spare ??= this.#makeSpare();
      this.#guard(slot);
    } catch (reason) {
      if (this.#stopping.signal.aborted) return;
      this.#parts.log.error("python_worker_not_started", { ...this.#names(), slot: slot.index, err: reason });
      this.#refill(slot);
    }
  }

  #names(): { readonly model: string; readonly version: string } {
    const { model, version } = this.#parts.options;
    return { model, version };
  }
}

/** Threads of a worker's libraries: of several workers each has its share of the cores. */
function threadsOf(workers: number): number | undefined {
  return workers === 1 ? undefined : Math.max(1, Math.floor(availableParallelism() / workers));
}

function outputSink(log: Log, names: object): OutputSink {
  return {
    line: (text) => log.info("python_output", { ...names, text }),
    dropped: (bytes) => log.warn("python_output_dropped", { ...names, bytes }),
  };
}
