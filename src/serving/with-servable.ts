import { afterSettled } from "../base/after-settled.ts";
import type { ModelSpec } from "../codec/model-spec.ts";
import type { ServableHandle } from "../core/serving-map.ts";
import type { Servable } from "../model/servable.ts";
import type { ServingTable } from "./serving-table.ts";

/**
 * Runs `use` on the version a request means and gives the handle back when it is done, at once or later.
 * Stays synchronous when `use` does: a promise would cost as much as a small model's run.
 */
export function withServable<Result>(
  table: ServingTable,
  spec: ModelSpec,
  use: (handle: ServableHandle<Servable>) => Result | Promise<Result>,
): Result | Promise<Result> {
  const handle = table.acquire(spec);
  let result: Result | Promise<Result>;
  try {
    result = use(handle);
  } catch (reason) {
    handle.release();
    throw reason;
  }
  if (result instanceof Promise) return afterSettled(result, () => handle.release());
  handle.release();
  return result;
}
