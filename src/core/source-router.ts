import { ServingError } from "../base/serving-error.ts";
import { Outlet } from "./outlet.ts";
import type { ServableData } from "./servable-data.ts";
import type { Source } from "./source.ts";
import type { Target } from "./target.ts";

/**
 * Sends each name's lists to one of several outputs, as a model's lists go to the adapter of its platform. A name without an
 * output goes to {@link SourceRouter.unrouted}, where every item carries the error INTERNAL `No platform found for model`.
 */
export class SourceRouter<D> implements Target<D> {
  readonly #route: (name: string) => string | undefined;
  readonly #outputs: ReadonlyMap<string, Outlet<D>>;
  readonly #unrouted = new Outlet<never>();

  /** `route` gives the output of a name, asked for each list; undefined or an output not in `outputs` means none. */
  constructor(outputs: readonly string[], route: (name: string) => string | undefined) {
    this.#outputs = new Map(outputs.map((output) => [output, new Outlet<D>()]));
    this.#route = route;
  }

  /** The lists of the names routed to `output`. @throws ServingError not-found for one the router was not built with. */
  output(output: string): Source<D> {
    const outlet = this.#outputs.get(output);
    if (outlet === undefined) throw new ServingError("not-found", `the router has no output "${output}"`);
    return outlet;
  }

  /** The lists of the names without an output, every item an error: fits any target. */
  get unrouted(): Source<never> {
    return this.#unrouted;
  }

  setAspiredVersions(name: string, versions: readonly ServableData<D>[]): void {
    const output = this.#route(name);
    const outlet = output === undefined ? undefined : this.#outputs.get(output);
    if (outlet !== undefined) {
      outlet.emit(name, versions);
      return;
    }
    const error = new ServingError("internal", "No platform found for model");
    this.#unrouted.emit(
      name,
      versions.map(({ id }) => ({ id, error })),
    );
  }
}
