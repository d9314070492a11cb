import type { Signatures } from "../tensor/signature.ts";
import type { ModelBatching } from "./batching.ts";
import type { ModelProcessing } from "./processing.ts";
import type { Program, RuntimeName } from "./program.ts";
import type { PythonLoad } from "./python-options.ts";
import type { Servable } from "./servable.ts";
import type { TensorFlowOptions } from "./tensorflow-options.ts";
import type { VersionAbout } from "./version-about.ts";

/** A loaded version that every serving thread can attach to. Plain data (pointers as bigint): can be sent to a thread. */
export interface SharedModel {
  readonly runtime: RuntimeName;
  /** What callers see; with {@link processing} not what the engine has. */
  readonly signatures: Signatures;
  /** What the runtime needs to attach; its own business. */
  readonly handle: unknown;
  /** Set by the control side; absent when requests are run one by one. */
  readonly batching?: ModelBatching;
  /** Set by the control side; absent when requests and answers are the engine's as they are. */
  readonly processing?: ModelProcessing;
  /** Set by the control side; absent where nobody is to be shown the version. */
  readonly about?: VersionAbout;
}

/** What a model's config says of how its program is executed, by engine; an engine passes over what is another's. Plain data. */
export interface EngineOptions {
  readonly tensorflow?: TensorFlowOptions;
  readonly python?: PythonLoad;
}

/** Executes programs of one kind. */
export interface Runtime {
  readonly name: RuntimeName;
  /** Once per version, off the control thread. Rejects with a ServingError that names the file or operator at fault. */
  load(program: Program, signal: AbortSignal, options?: EngineOptions): Promise<SharedModel>;
  /**
   * Once per serving thread, and once where a version is warmed up. `expectLong` for a thread that a run must not hold up: what is
   * not known yet to be short is run elsewhere.
   */
  attach(model: SharedModel, expectLong?: boolean): Servable;
  /** Once, after every thread has let go. Must not throw. */
  unload(model: SharedModel): Promise<void>;
}
