import { ServingError } from "../../base/serving-error.ts";
import type { DataTable } from "./data-table.ts";
import type { ModelFolder } from "./model-folder.ts";
import type { Json, StageMetadata } from "./stage-metadata.ts";

/** What Spark writes in the place of numbers that JSON has not. */
const WORDS: ReadonlyMap<Json, number> = new Map<Json, number>([
  ["NaN", Number.NaN],
  ["Inf", Number.POSITIVE_INFINITY],
  ["-Inf", Number.NEGATIVE_INFINITY],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);

/** A stage as it was saved. What is not what it should be is a ServingError data-loss that names the stage. */
export class Stage {
  /** Its class without packages. */
  readonly name: string;
  readonly uid: string;
  readonly folder: ModelFolder;
  readonly metadata: StageMetadata;
  readonly #tables = new Map<string, DataTable>();

  constructor(metadata: StageMetadata, folder: ModelFolder) {
    this.metadata = metadata;
    this.name = metadata.className.slice(metadata.className.lastIndexOf(".") + 1);
    this.uid = metadata.uid;
    this.folder = folder;
  }

  /** The same stage with other values of some parameters; those that it does not have stay away. */
  with(params: Readonly<Record<string, string>>): Stage {
    const changed = Object.entries(params).filter(([key]) => this.metadata.params.has(key));
    return new Stage({ ...this.metadata, params: new Map([...this.metadata.params, ...changed]) }, this.folder);
  }

  /** Whether the Spark that saved it is at least this one. */
  isSince(major: number, minor: number): boolean {
    const [ownMajor, ownMinor] = this.metadata.version;
    return ownMajor > major || (ownMajor === major && ownMinor >= minor);
  }

  /** Whether a parameter has a value. */
  has(key: string): boolean {
    return (this.metadata.params.get(key) ?? null) !== null;
  }

  /** A text. @param otherwise what it is where there is none */
  text(key: string, otherwise?: string): string {
    const value = this.metadata.params.get(key) ?? otherwise;
    if (typeof value !== "string") throw this.damaged(key, "is no text");
    return value;
  }

  /** A number. @param otherwise what it is where there is none */
  number(key: string, otherwise?: number): number {
    return this.#number(key, this.metadata.params.get(key) ?? otherwise);
  }

  /** A number that stands beside the parameters. */
  extraNumber(key: string): number {
    return this.#number(key, this.metadata.extra.get(key));
  }

  /** Whether a parameter is true. @param otherwise what it is where there is none */
  isTrue(key: string, otherwise: boolean): boolean {
    const value = this.metadata.params.get(key) ?? otherwise;
    if (typeof value !== "boolean") throw this.damaged(key, "is neither true nor false");
    return value;
  }

  /** A list of texts; undefined where there is none. */
  texts(key: string): readonly string[] | undefined {
    return this.#list(key)?.map((value) => {
      if (typeof value !== "string") throw this.damaged(key, "is no list of texts");
      return value;
    });
  }

  /** A list of numbers; undefined where there is none. */
  numbers(key: string): Float64Array | undefined {
    const list = this.#list(key);
    return list && Float64Array.from(list, (value) => this.#number(key, value));
  }

  /** A list of lists of numbers; undefined where there is none. */
  numberLists(key: string): readonly Float64Array[] | undefined {
    return this.#list(key)?.map((inner) => {
      if (!Array.isArray(inner)) throw this.damaged(key, "is no list of lists");
      return Float64Array.from(inner, (value: Json) => this.#number(key, value));
    });
  }

  /** A vector that is a parameter. */
  vector(key: string): Float64Array {
    const value = this.metadata.params.get(key) ?? null;
    const fields = new Map<string, Json>(typeof value === "object" && value !== null ? Object.entries(value) : []);
    const list = (name: string) => {
      const found = fields.get(name);
      if (!Array.isArray(found)) throw this.damaged(key, "is no vector");
      return found.map((each: Json) => this.#number(key, each));
    };
    const values = list("values");
    if (fields.get("type") !== 0) return Float64Array.from(values);
    const size = this.#number(key, fields.get("size"));
    if (!Number.isInteger(size) || size < 0 || size > 2 ** 22) throw this.damaged(key, "is a vector of no possible length");
    const vector = new Float64Array(size);
    for (const [i, place] of list("indices").entries()) {
      if (!Number.isInteger(place) || place < 0 || place >= size) throw this.damaged(key, "is a damaged vector");
      vector[place] = values[i] ?? 0;
    }
    return vector;
  }

  /** Names of the columns that it takes and makes, of those parameters that are one name or several; as many of each. */
  columnPairs(): readonly (readonly [input: string, output: string])[] {
    const inputs = this.texts("inputCols") ?? [this.text("inputCol")];
    const outputs = this.texts("inputCols") === undefined ? [this.text("outputCol")] : this.texts("outputCols");
    if (outputs?.length !== inputs.length) throw this.damaged("outputCols", "are not as many as inputCols");
    return inputs.map((input, i) => [input, outputs[i]]);
  }

  /** The rows that it saved in a folder. They are read once. */
  async table(name = "data"): Promise<DataTable> {
    const known = this.#tables.get(name);
    if (known !== undefined) return known;
    const table = await this.folder.folder(name).table();
    this.#tables.set(name, table);
    return table;
  }

  /** An error of code data-loss. @param what `is no number` */
  damaged(key: string, what: string): ServingError {
    return new ServingError("data-loss", `${this.#shown()}: ${key} ${what}`);
  }

  /** An error of code unimplemented. @param what `lossType="own" is not covered` */
  uncovered(what: string): ServingError {
    return new ServingError("unimplemented", `${this.#shown()}: ${what}`);
  }

  #shown(): string {
    const place = this.folder.place.slice(0, -1);
    return place === "" ? this.name.slice(0, 100) : `${this.name.slice(0, 100)} (${place})`;
  }

  #list(key: string): readonly Json[] | undefined {
    const value = this.metadata.params.get(key) ?? undefined;
    if (value !== undefined && !Array.isArray(value)) throw this.damaged(key, "is no list");
    return value;
  }

  #number(key: string, value: Json | undefined): number {
    const number = WORDS.get(value ?? null) ?? value;
    if (typeof number !== "number") throw this.damaged(key, "is no number");
    return number;
  }
}
