import { ServingError } from "../../base/serving-error.ts";

/** A row of a request that the model refuses; its error names the row. */
export class RowError extends ServingError {
  readonly #row: number;
  readonly #detail: string;

  /** @param row counted from 0 */
  constructor(row: number, detail: string, options?: ErrorOptions) {
    super("invalid-argument", `row ${row}: ${detail}`, options);
    this.#row = row;
    this.#detail = detail;
  }

  /** The same error of a row that is `by` rows further on: of the whole request, where it was met in a part of it. */
  shifted(by: number): RowError {
    return new RowError(this.#row + by, this.#detail, { cause: this });
  }
}
