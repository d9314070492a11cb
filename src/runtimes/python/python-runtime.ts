import { join } from "node:path";
import { throwIfAborted } from "../../base/abort.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import { createLog, type Log } from "../../base/log.ts";
import type { RunLimits } from "../../base/run-limits.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { Program } from "../../model/program.ts";
import type { PythonLoad } from "../../model/python-options.ts";
import type { PythonProgram } from "../../model/python-program.ts";
import type { EngineOptions, Runtime, SharedModel } from "../../model/runtime.ts";
import type { Servable } from "../../model/servable.ts";
import { RunGate } from "../run-gate.ts";
import type { PythonHandle } from "./python-handle.ts";
import { PythonServable } from "./python-servable.ts";
import { SocketFolder } from "./socket-folder.ts";
import { WorkerGroup } from "./worker-group.ts";

/** Below this a copy through the socket costs less than the calls for a file; measured by benchmark/python-worker.mjs. */
const SHARED_FROM_BYTES = 32 * 1024;
const MOST_ANSWER_BYTES = 512 * 1024 * 1024;
/** Requests of one thread that a worker has at once: the next is there when one is done. */
const AHEAD = 2;

/** Options of {@link PythonRuntime}. Plain data. */
export interface PythonRuntimeOptions {
  readonly runLimits?: RunLimits;
  /** Payloads of so many bytes and more go through shared memory, where there is some; Infinity for none. Default: 32 KiB. */
  readonly sharedFromBytes?: number;
  /** Most bytes of an answer's tensors. Default: 512 MiB. */
  readonly mostAnswerBytes?: number;
}

/** What a {@link PythonRuntime} works with. */
export interface PythonRuntimeParts {
  readonly clock?: Clock;
  /** Told of workers that start and end, and what they print. Default: a log of errors. */
  readonly log?: Log;
}

/** Runs models in Python processes of their own, which any thread calls over their sockets. */
export class PythonRuntime implements Runtime {
  readonly name = "python";
  readonly #options: PythonRuntimeOptions;
  readonly #clock: Clock;
  readonly #log: Log | undefined;
  readonly #folder = new SocketFolder();
  readonly #groups = new Map<number, WorkerGroup>();
  #loads = 0;

  constructor(options: PythonRuntimeOptions = {}, { clock = systemClock, log }: PythonRuntimeParts = {}) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
  }

  async load(program: Program, signal: AbortSignal, { python }: EngineOptions = {}): Promise<SharedModel> {
    if (python === undefined) throw new ServingError("internal", "nothing says how Python workers are run");
    checkAllowed(program as PythonProgram, python);
    throwIfAborted(signal);
    const { mostAnswerBytes = MOST_ANSWER_BYTES, sharedFromBytes = SHARED_FROM_BYTES } = this.#options;
    const number = this.#loads++;
    const sockets = this.#folder.use();
    try {
      const group = await WorkerGroup.load(
        {
          program: program as PythonProgram,
          options: python,
          script: workerScript(),
          number,
          sockets,
          mostAnswerBytes,
          clock: this.#clock,
          log: this.#log ?? createLog("error"),
        },
        signal,
      );
      this.#groups.set(number, group);
      const { signatures, strict } = group.signatures;
      const limits = { timeoutMs: python.timeoutMs, mostAnswerBytes, sharedFromBytes };
      const handle: PythonHandle = { number, sockets: group.sockets, strict, limits };
      return { runtime: this.name, signatures, handle };
    } catch (reason) {
      this.#folder.release();
      throw reason;
    }
  }

  attach({ handle, signatures }: SharedModel): Servable {
    const python = handle as PythonHandle;
    const gate = new RunGate(AHEAD * python.sockets.length, this.#options.runLimits);
    return new PythonServable(python, signatures, gate, this.#clock);
  }

  async unload({ handle }: SharedModel): Promise<void> {
    const { number } = handle as PythonHandle;
    const group = this.#groups.get(number);
    if (group === undefined) return;
    this.#groups.delete(number);
    await group.stop();
    this.#folder.release();
  }
}

/** @throws ServingError failed-precondition for a model with code that nobody has allowed */
function checkAllowed({ runsCode }: PythonProgram, { allowCode, model }: PythonLoad): void {
  if (runsCode === undefined || allowCode) return;
  throw new ServingError(
    "failed-precondition",
    `${runsCode}, which is run only where that is allowed: start the server with --allow_code=${model}, or say allow_code: true in the ` +
      "model's config. It may do whatever the server's user may",
  );
}

/** The Python file of this package. */
function workerScript(): string {
  return join(import.meta.dirname, "../../../python/modelport_worker.py");
}
