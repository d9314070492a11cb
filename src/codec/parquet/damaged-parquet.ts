import { ServingError } from "../../base/serving-error.ts";

/** An error of code data-loss. @param why `a page breaks off` */
export function damagedParquet(why: string, cause?: unknown): ServingError {
  return new ServingError("data-loss", `it is damaged Parquet: ${why}`, { cause });
}

/** An error of code unimplemented. @param what `pages of the encoding 5` */
export function uncoveredParquet(what: string): ServingError {
  return new ServingError("unimplemented", `Parquet with ${what} is not covered`);
}
