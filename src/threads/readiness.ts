import type { ServingTable } from "../serving/serving-table.ts";

/** Whether the server, or one model of it, can answer; the health service watches it. */
export class Readiness {
  readonly #table: ServingTable;
  readonly #listeners = new Set<() => void>();
  #ready = false;

  constructor(table: ServingTable) {
    this.#table = table;
  }

  get ready(): boolean {
    return this.#ready;
  }

  setReady(ready: boolean): void {
    this.#ready = ready;
    this.notify();
  }

  notify(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Whether the whole server (the empty name) or a model is being served; undefined for a name that is neither. */
  isServing(service: string): boolean | undefined {
    return service === "" ? this.#ready : this.#table.isServing(service);
  }

  /** Calls `listener` after every change until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
