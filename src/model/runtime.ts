import type { Signatures } from "../tensor/signature.ts";
import type { Program, RuntimeName } from "./program.ts";
import type { Servable } from "./servable.ts";

/** A loaded version that every serving thread can attach to. Plain data (pointers as bigint): can be sent to a thread. */
export interface SharedModel {
  readonly runtime: RuntimeName;
  readonly signatures: Signatures;
  /** What the runtime needs to attach; its own business. */
  readonly handle: unknown;
}

/** Executes programs of one kind. */
export interface Runtime {
  readonly name: RuntimeName;
  /** Once per version, off the control thread. Rejects with a ServingError that names the file or operator at fault. */
  load(program: Program, signal: AbortSignal): Promise<SharedModel>;
  /** Once per serving thread. */
  attach(model: SharedModel): Servable;
  /** Once, after every thread has let go. Must not throw. */
  unload(model: SharedModel): Promise<void>;
}
