import { type Deferred, deferred } from "../base/deferred.ts";
import type { ServingError } from "../base/serving-error.ts";
import type { Loader } from "./loader.ts";

/** A loader for tests: each `load` and `unload` blocks until the test ends it, unless told to be prompt. */
export class FakeLoader<T = string> implements Loader<T> {
  /** Every call so far, in order. */
  readonly calls: ("estimate" | "load" | "unload")[] = [];
  /** The signal of the latest `load`. */
  signal: AbortSignal | undefined;
  readonly #servable: T;
  readonly #prompt: boolean;
  readonly #ramBytes: number;
  #load: Deferred<T> | undefined;
  #unload: Deferred<void> | undefined;

  constructor(servable: T, options: { readonly prompt?: boolean; readonly ramBytes?: number } = {}) {
    this.#servable = servable;
    this.#prompt = options.prompt ?? false;
    this.#ramBytes = options.ramBytes ?? 0;
  }

  async estimate(): Promise<{ readonly ramBytes: number }> {
    this.calls.push("estimate");
    return { ramBytes: this.#ramBytes };
  }

  load(signal: AbortSignal): Promise<T> {
    this.calls.push("load");
    this.signal = signal;
    const load = deferred<T>();
    this.#load = load;
    if (this.#prompt) this.finishLoad();
    return load.promise;
  }

  unload(): Promise<void> {
    this.calls.push("unload");
    const unload = deferred<void>();
    this.#unload = unload;
    if (this.#prompt) this.finishUnload();
    return unload.promise;
  }

  /** Whether a `load` has begun and not been ended. */
  get loading(): boolean {
    return this.#load !== undefined;
  }

  /** Whether an `unload` has begun and not been ended. */
  get unloading(): boolean {
    return this.#unload !== undefined;
  }

  /** Lets the `load` in progress succeed. */
  finishLoad(): void {
    this.#load!.resolve(this.#servable);
    this.#load = undefined;
  }

  /** Lets the `load` in progress fail. */
  failLoad(error: ServingError): void {
    this.#load!.reject(error);
    this.#load = undefined;
  }

  /** Lets the `unload` in progress end. */
  finishUnload(): void {
    this.#unload!.resolve();
    this.#unload = undefined;
  }
}
