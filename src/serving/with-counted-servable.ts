import { performance } from "node:perf_hooks";
import type { ModelSpec } from "../codec/model-spec.ts";
import type { ServableHandle } from "../core/serving-map.ts";
import type { Servable } from "../model/servable.ts";
import type { ServingTable } from "./serving-table.ts";
import { withServable } from "./with-servable.ts";

/**
 * As {@link withServable}, for calls that run the version: each is counted among the version's figures, with its time when it goes
 * well.
 *
 * Costs a call that is answered at once 0.09 microseconds, one that is answered later 0.15: `benchmark/counted-call.mjs`.
 */
export function withCountedServable<Result>(
  table: ServingTable,
  spec: ModelSpec,
  use: (handle: ServableHandle<Servable>) => Result | Promise<Result>,
): Result | Promise<Result> {
  return withServable(table, spec, (handle) => {
    const figures = table.figures(handle.servable);
    if (figures === undefined) return use(handle);
    const start = performance.now();
    let result: Result | Promise<Result>;
    try {
      result = use(handle);
    } catch (reason) {
      figures.failed();
      throw reason;
    }
    if (!(result instanceof Promise)) {
      figures.answered((performance.now() - start) * 1000);
      return result;
    }
    return result.then(
      (value) => {
        figures.answered((performance.now() - start) * 1000);
        return value;
      },
      (reason: unknown) => {
        figures.failed();
        throw reason;
      },
    );
  });
}
