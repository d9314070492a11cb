import { ServingError } from "../../base/serving-error.ts";

/** What a damaged file is refused with; `where` begins with the file's name. */
export function damaged(where: string, what: string, options?: ErrorOptions): ServingError {
  return new ServingError("data-loss", `${where} ${what}; export the model again`, options);
}
