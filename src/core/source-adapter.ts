import { ServingError } from "../base/serving-error.ts";
import { Outlet } from "./outlet.ts";
import type { ServableData } from "./servable-data.ts";
import type { ServableId } from "./servable-id.ts";
import type { Source } from "./source.ts";
import type { Target } from "./target.ts";

/**
 * Turns lists of A into lists of B, item by item, keeping their order. An item that cannot be converted becomes an item with
 * the error thrown; an item that came with an error keeps it. Neither touches the others.
 */
export class SourceAdapter<A, B> implements Target<A>, Source<B> {
  readonly #outlet = new Outlet<B>();
  readonly #convert: (data: A, id: ServableId) => B;

  /** `convert` may throw a ServingError; anything else it throws becomes `internal`. */
  constructor(convert: (data: A, id: ServableId) => B) {
    this.#convert = convert;
  }

  connect(target: Target<B>): void {
    this.#outlet.connect(target);
  }

  setAspiredVersions(name: string, versions: readonly ServableData<A>[]): void {
    this.#outlet.emit(
      name,
      versions.map((item) => this.#adapt(item)),
    );
  }

  #adapt(item: ServableData<A>): ServableData<B> {
    if (item.error !== undefined) return item;
    try {
      return { id: item.id, data: this.#convert(item.data, item.id) };
    } catch (reason) {
      return { id: item.id, error: ServingError.from(reason) };
    }
  }
}
