import { Outlet } from "../core/outlet.ts";
import type { ServableData } from "../core/servable-data.ts";
import type { Source } from "../core/source.ts";
import type { Target } from "../core/target.ts";

/** Says once, on connection, that exactly these versions should be served. */
export class StaticSource<D> implements Source<D> {
  readonly #outlet = new Outlet<D>();

  constructor(versions: readonly ServableData<D>[]) {
    const names = new Map<string, ServableData<D>[]>();
    for (const item of versions) {
      const list = names.get(item.id.name);
      if (list) list.push(item);
      else names.set(item.id.name, [item]);
    }
    for (const [name, list] of names) this.#outlet.emit(name, list);
  }

  /** See {@link Source.connect}. */
  connect(target: Target<D>): void {
    this.#outlet.connect(target);
  }
}
