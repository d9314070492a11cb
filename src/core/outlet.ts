import { ServingError } from "../base/serving-error.ts";
import type { ServableData } from "./servable-data.ts";
import type { Source } from "./source.ts";
import type { Target } from "./target.ts";

/** The sending end of a source: keeps the last list of each name until a target is connected, then passes lists on. */
export class Outlet<D> implements Source<D> {
  #target: Target<D> | undefined;
  readonly #waiting = new Map<string, readonly ServableData<D>[]>();

  /** @throws ServingError failed-precondition when a target is connected already. */
  connect(target: Target<D>): void {
    if (this.#target !== undefined) throw new ServingError("failed-precondition", "the source is already connected to a target");
    this.#target = target;
    for (const [name, versions] of this.#waiting) target.setAspiredVersions(name, versions);
    this.#waiting.clear();
  }

  /** Sends one complete list. */
  emit(name: string, versions: readonly ServableData<D>[]): void {
    if (this.#target === undefined) this.#waiting.set(name, versions);
    else this.#target.setAspiredVersions(name, versions);
  }
}
