import { damaged } from "./mojo-files.ts";

const NUMBER = /^[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|NaN|Infinity)$/;
const MOST_SHOWN = 60;
const TURN_NUMBERS = 10_000;

/** The settings of a model; `null` is none. All access checks the type. */
export class Settings {
  readonly #values: ReadonlyMap<string, string>;
  readonly #where: string;

  /** @param where what errors call them */
  constructor(values: ReadonlyMap<string, string>, where: string) {
    this.#values = values;
    this.#where = where;
  }

  has(key: string): boolean {
    return (this.#values.get(key) ?? "null") !== "null";
  }

  /** @throws ServingError data-loss when there is none and no `otherwise` */
  text(key: string, otherwise?: string): string {
    if (this.has(key)) return this.#values.get(key)!;
    if (otherwise === undefined) throw damaged(this.#where, `has no ${key}`);
    return otherwise;
  }

  /** @throws ServingError data-loss for what is no number, or none without an `otherwise` */
  number(key: string, otherwise?: number): number {
    if (otherwise !== undefined && !this.has(key)) return otherwise;
    return this.#numberOf(this.text(key), key);
  }

  /** A whole number. @throws ServingError data-loss for anything else, or one that is not in `least` to `most` */
  count(key: string, least: number, most: number, otherwise?: number): number {
    const number = this.number(key, otherwise);
    if (!Number.isInteger(number) || number < least || number > most) {
      throw damaged(this.#where, `has ${key} = ${number} where ${least} to ${most} is expected`);
    }
    return number;
  }

  /** @throws ServingError data-loss for what is neither true nor false, or none without an `otherwise` */
  flag(key: string, otherwise?: boolean): boolean {
    const text = this.text(key, otherwise === undefined ? undefined : String(otherwise)).toLowerCase();
    if (text !== "true" && text !== "false") throw this.#wrong(key, text, "true or false");
    return text === "true";
  }

  /**
   * A list of numbers; empty where there is none.
   * @throws ServingError data-loss for anything else, or another length than `length`
   */
  numbers(key: string, length?: number): Float64Array {
    const list = Float64Array.from(this.#list(key), (text) => this.#numberOf(text, key));
    return length === undefined ? list : this.#ofLength(list, key, length);
  }

  /** As {@link numbers}, of many: `turn` is waited for after some. */
  async manyNumbers(key: string, length: number, turn: (numbers: number) => Promise<void>): Promise<Float64Array> {
    const list: number[] = [];
    for (const text of this.#list(key)) {
      list.push(this.#numberOf(text, key));
      if (list.length > length) break;
      if (list.length % TURN_NUMBERS === 0) await turn(TURN_NUMBERS);
    }
    return this.#ofLength(Float64Array.from(list), key, length);
  }

  #ofLength(list: Float64Array, key: string, length: number): Float64Array {
    if (list.length === length) return list;
    throw damaged(this.#where, `has ${list.length} numbers in ${key} where ${length} are expected`);
  }

  /** A list of whole numbers from `least` to `most`. @throws ServingError data-loss for anything else, or another length */
  counts(key: string, least: number, most: number, length?: number): Int32Array {
    const list = this.numbers(key, length);
    for (const number of list) {
      if (!Number.isInteger(number) || number < least || number > most) {
        throw damaged(this.#where, `has ${number} in ${key} where ${least} to ${most} is expected`);
      }
    }
    return Int32Array.from(list);
  }

  *#list(key: string): Generator<string> {
    if (!this.has(key)) return;
    const text = this.text(key);
    if (!text.startsWith("[") || !text.endsWith("]")) throw this.#wrong(key, text, "a list");
    const last = text.length - 1;
    if (text.slice(1, last).trim() === "") return;
    for (let start = 1; start <= last; ) {
      const comma = text.indexOf(",", start);
      const end = comma < 0 ? last : comma;
      yield text.slice(start, end).trim();
      start = end + 1;
    }
  }

  #numberOf(text: string, key: string): number {
    if (!NUMBER.test(text)) throw this.#wrong(key, text, "a number");
    return Number(text);
  }

  #wrong(key: string, text: string, expected: string): Error {
    return damaged(this.#where, `has ${JSON.stringify(text.slice(0, MOST_SHOWN))} in ${key} where ${expected} is expected`);
  }
}
