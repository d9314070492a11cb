import { ServingError } from "../../base/serving-error.ts";
import { NumpyArray, plainValue } from "../../codec/pickle/numpy-array.ts";
import { PickleObject, type PickleValue } from "../../codec/pickle/pickle-value.ts";

/** Numbers of rows of equal length, one row after the other. */
export interface Table {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** A fitted estimator as its pickle has it. Attributes that are not what they should be are a ServingError data-loss that names them. */
export class Estimator {
  /** Its class, without the module: modules have changed their names. */
  readonly name: string;
  /** The module of its class. */
  readonly module: string;
  readonly #state: ReadonlyMap<PickleValue, PickleValue>;

  /** @throws ServingError data-loss for an object without attributes */
  constructor({ type, state }: PickleObject) {
    this.name = type.name;
    this.module = type.module;
    if (!(state instanceof Map)) throw new ServingError("data-loss", `${type.name} has no attributes`);
    this.#state = state;
  }

  /** An attribute, without numpy around it; null where there is none. */
  value(key: string): PickleValue {
    return plainValue(this.#state.get(key) ?? null);
  }

  /** A number. @param otherwise what it is where there is none */
  number(key: string, otherwise?: number): number {
    const value = this.value(key) ?? otherwise;
    if (typeof value !== "number") throw this.damaged(key, "is no number");
    return value;
  }

  /** Whether an attribute is true; one that is not there is not. */
  isTrue(key: string): boolean {
    const value = this.value(key);
    return value === true || value === 1;
  }

  /** A text; empty where there is none. */
  text(key: string): string {
    const value = this.value(key);
    return typeof value === "string" ? value : "";
  }

  /** An array, or undefined where there is none. */
  array(key: string): NumpyArray | undefined {
    return NumpyArray.of(this.#state.get(key));
  }

  /** Numbers; of any shape. @param length how many there have to be */
  numbers(key: string, length?: number): Float64Array {
    const array = this.array(key);
    if (array === undefined) throw this.damaged(key, "is no array");
    const numbers = array.numbers();
    if (length !== undefined && numbers.length !== length)
      throw this.damaged(key, `has ${numbers.length} numbers, not ${length}`);
    return numbers;
  }

  /** Numbers of a list of Python's, or of an array. @param length how many there have to be */
  listOfNumbers(key: string, length?: number): readonly number[] {
    const numbers = this.list(key).map((value) => plainValue(value));
    if (length !== undefined && numbers.length !== length)
      throw this.damaged(key, `has ${numbers.length} numbers, not ${length}`);
    if (!numbers.every((value) => typeof value === "number")) throw this.damaged(key, "has something else than numbers");
    return numbers;
  }

  /** Numbers of two dimensions. @param columns how many there have to be */
  table(key: string, columns?: number): Table {
    const array = this.array(key);
    if (array === undefined) throw this.damaged(key, "is no array");
    return tableOf(array, columns, (what) => this.damaged(key, what));
  }

  /** A list: of Python's, or an array's values. */
  list(key: string): readonly PickleValue[] {
    const value = this.#state.get(key);
    if (Array.isArray(value)) return value;
    const array = NumpyArray.of(value);
    if (array === undefined) throw this.damaged(key, "is no list");
    return array.values();
  }

  /** An estimator within this one. */
  estimator(key: string): Estimator {
    const value = this.#state.get(key);
    if (!(value instanceof PickleObject)) throw this.damaged(key, "is no estimator");
    return new Estimator(value);
  }

  /** Whether the version that saved it is at least this one. Versions before 0.18 did not say. */
  isSince(major: number, minor: number, patch = 0): boolean {
    const [ownMajor = 0, ownMinor = 0, ownPatch = 0] = this.text("_sklearn_version")
      .split(".")
      .map((part) => Number.parseInt(part, 10));
    if (ownMajor !== major) return ownMajor > major;
    return ownMinor > minor || (ownMinor === minor && !(ownPatch < patch));
  }

  /** An error of code data-loss. @param what `is no array` */
  damaged(key: string, what: string): ServingError {
    return new ServingError("data-loss", `${this.name}: ${key} ${what}`);
  }

  /** An error of code unimplemented. @param what `loss="own" is not covered` */
  uncovered(what: string): ServingError {
    return new ServingError("unimplemented", `${this.name}: ${what}`);
  }
}

/** An array of two dimensions. @param damaged makes the error for another */
export function tableOf(array: NumpyArray, columns: number | undefined, damaged: (what: string) => ServingError): Table {
  const [rows, found] = array.shape;
  if (array.shape.length !== 2) throw damaged(`has ${array.shape.length} dimensions, not 2`);
  if (columns !== undefined && found !== columns) throw damaged(`has ${found} columns, not ${columns}`);
  return { rows: rows!, columns: found!, data: array.numbers() };
}
