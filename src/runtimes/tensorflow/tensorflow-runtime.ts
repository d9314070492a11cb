import { availableParallelism } from "node:os";
import { ServingError } from "../../base/serving-error.ts";
import type { Program, SavedModelProgram } from "../../model/program.ts";
import type { EngineOptions, Runtime, SharedModel } from "../../model/runtime.ts";
import type { Servable } from "../../model/servable.ts";
import { returnFreeMemory } from "../free-memory.ts";
import { RunGate } from "../run-gate.ts";
import { BIG_MODEL_BYTES } from "../run-pace.ts";
import { loadCustomOps } from "./custom-ops.ts";
import { openLibrary, openLibraryElsewhere } from "./library.ts";
import { type LocateTensorFlow, resolveTensorFlowOptions, type TensorFlowRuntimeOptions } from "./options.ts";
import { closeRemoteSession, closeSession, type LoadedSession, loadSession } from "./session.ts";
import type { InputDefaults } from "./signature-plans.ts";
import { TensorFlowServable } from "./tensorflow-servable.ts";
import { isUnbounded } from "./unbounded-ops.ts";

/** A loaded SavedModel, for any thread of this process. Plain data. */
interface TensorFlowHandle extends LoadedSession {
  readonly libraryPath: string;
  readonly defaults: ReadonlyMap<string, InputDefaults>;
  /** Whether the first run is expected to be long. */
  readonly slow: boolean;
  /** Whether another process runs the graph. */
  readonly remote: boolean;
  /** Whether a run may take any time. */
  readonly unbounded: boolean;
}

/** Executes TensorFlow graphs with libtensorflow. Finds its library when the first model needs it. */
export class TensorFlowRuntime implements Runtime {
  readonly name = "tensorflow";
  readonly #options: TensorFlowRuntimeOptions;
  readonly #locate: LocateTensorFlow;
  /** Runs of this thread, of all its models, that may be with libuv's pool at once. */
  readonly #gate: RunGate;
  /** Those that wait for another server: should it be gone, they keep what they have for long, and others need the pool too. */
  readonly #remoteGate: RunGate;

  /** `locate` is asked where models are loaded; threads that only run them have no need of it. */
  constructor(options: TensorFlowRuntimeOptions = {}, locate: LocateTensorFlow = noLibrary) {
    this.#options = options;
    this.#locate = locate;
    const cores = availableParallelism();
    this.#gate = new RunGate(Math.max(4, cores), options.runLimits);
    this.#remoteGate = new RunGate(Math.max(1, Math.floor(poolSize() / (2 * cores))), options.runLimits);
  }

  async load(program: Program, signal: AbortSignal, { tensorflow }: EngineOptions = {}): Promise<SharedModel> {
    const { folder, tags, signatures, defaults, bytes, sessionOverrides, opTypes = [] } = program as SavedModelProgram;
    const options = resolveTensorFlowOptions(this.#options.models, tensorflow, sessionOverrides);
    const library = await openLibraryElsewhere(await this.#locate(signal));
    await loadCustomOps(library, options.customOpPaths);
    const target = options.sessionTarget;
    const loaded = await loadSession(library, { folder, tags, config: options.sessionConfig, opTypes, target }, signal);
    const handle: TensorFlowHandle = {
      ...loaded,
      libraryPath: library.path,
      defaults,
      slow: bytes >= BIG_MODEL_BYTES,
      remote: target !== undefined,
      unbounded: isUnbounded(opTypes),
    };
    return { runtime: this.name, signatures, handle };
  }

  attach({ handle, signatures }: SharedModel, expectLong = false): Servable {
    const { libraryPath, session, graph, defaults, slow, remote, unbounded } = handle as TensorFlowHandle;
    const library = openLibrary(libraryPath);
    return new TensorFlowServable(
      { library, session, graph, slow: slow || expectLong, remote, unbounded },
      signatures,
      defaults,
      remote ? this.#remoteGate : this.#gate,
    );
  }

  async unload({ handle }: SharedModel): Promise<void> {
    const { libraryPath, session, graph, remote } = handle as TensorFlowHandle;
    const close = remote ? closeRemoteSession : closeSession;
    await close(openLibrary(libraryPath), { session, graph });
    await returnFreeMemory();
  }
}

/** Threads of libuv's pool. */
function poolSize(): number {
  const given = Number(process.env.UV_THREADPOOL_SIZE);
  return Number.isInteger(given) && given > 0 ? given : 4;
}

function noLibrary(): Promise<string> {
  return Promise.reject(new ServingError("failed-precondition", "no TensorFlow library was named"));
}
