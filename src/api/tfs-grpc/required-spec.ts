import { ServingError } from "../../base/serving-error.ts";
import type { ModelSpec } from "../../codec/model-spec.ts";

/** The spec of a request that must have one. @throws ServingError invalid-argument when it has none. */
export function requiredSpec(spec: ModelSpec | undefined): ModelSpec {
  if (spec === undefined) throw new ServingError("invalid-argument", "Missing ModelSpec");
  return spec;
}
