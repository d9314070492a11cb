import { damaged } from "./booster.ts";

/**
 * A part of a JSON or UBJSON document, and what errors call it: `model.json: learner.objective`. All access checks the type.
 */
export class DocumentPart {
  readonly #value: unknown;
  readonly #file: string;
  readonly #path: string;

  constructor(value: unknown, file: string, path = "") {
    this.#value = value;
    this.#file = file;
    this.#path = path;
  }

  /** What errors call this part. */
  get where(): string {
    return this.#path === "" ? this.#file : `${this.#file}: ${this.#path}`;
  }

  /** Whether an object has the key. @throws ServingError data-loss for what is no object */
  has(key: string): boolean {
    return Object.hasOwn(this.#object(), key);
  }

  /** An object's part. @throws ServingError data-loss when it is not there */
  at(key: string): DocumentPart {
    const object = this.#object();
    if (!Object.hasOwn(object, key)) throw damaged(this.where, `has no ${key}`);
    return new DocumentPart(object[key], this.#file, this.#path === "" ? key : `${this.#path}.${key}`);
  }

  /** The parts of a list. @throws ServingError data-loss for what is none */
  list(): readonly DocumentPart[] {
    if (!Array.isArray(this.#value)) throw damaged(this.where, "is no list");
    return this.#value.map((each, i) => new DocumentPart(each, this.#file, `${this.#path}[${i}]`));
  }

  /** @throws ServingError data-loss for what is no string */
  string(): string {
    if (typeof this.#value !== "string") throw damaged(this.where, "is no string");
    return this.#value;
  }

  /** A list of strings. @throws ServingError data-loss for anything else */
  strings(): readonly string[] {
    return this.list().map((part) => part.string());
  }

  /** An object of strings; what is none is passed over. @throws ServingError data-loss for what is no object */
  texts(): ReadonlyMap<string, string> {
    return new Map(Object.entries(this.#object()).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
  }

  /** A number, as the format writes its settings: in a string or not. @throws ServingError data-loss for anything else */
  setting(): number {
    const value = this.#value;
    const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
    if (typeof number !== "number" || Number.isNaN(number)) throw damaged(this.where, "is no number");
    return number;
  }

  /** A whole number from `least` to `most`. @throws ServingError data-loss for anything else */
  count(least: number, most: number): number {
    const number = this.setting();
    if (!Number.isInteger(number) || number < least || number > most) {
      throw damaged(this.where, `is ${number} where ${least} to ${most} is expected`);
    }
    return number;
  }

  /** A list of numbers; true is 1, false is 0. @throws ServingError data-loss for anything else, or another length than `length` */
  numbers(length?: number): ArrayLike<number> {
    const list = ArrayBuffer.isView(this.#value) ? (this.#value as Float64Array) : this.#list();
    if (length !== undefined && list.length !== length) {
      throw damaged(this.where, `has ${list.length} numbers where ${length} are expected`);
    }
    return list;
  }

  #list(): ArrayLike<number> {
    if (!Array.isArray(this.#value)) throw damaged(this.where, "is no list");
    const list: readonly unknown[] = this.#value;
    return Float64Array.from(list, (each) => {
      if (typeof each === "number" || typeof each === "boolean") return Number(each);
      // What stands in for NaN, which JSON does not have.
      if (each === null) return NaN;
      throw damaged(this.where, "has something else where a number is expected");
    });
  }

  #object(): Readonly<Record<string, unknown>> {
    const value = this.#value;
    if (typeof value !== "object" || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
      throw damaged(this.where, "is no object");
    }
    return value as Record<string, unknown>;
  }
}
