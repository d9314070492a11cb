import type { ServingError } from "../base/serving-error.ts";
import type { ServableId } from "./servable-id.ts";

/** One aspired version on its way from a source to the manager: its data, or why there is none. */
export type ServableData<D> =
  | { readonly id: ServableId; readonly data: D; readonly error?: undefined }
  | { readonly id: ServableId; readonly error: ServingError };
