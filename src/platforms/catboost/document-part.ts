import { damaged } from "./catboost-model.ts";

/** A part of a JSON document, and what errors call it: `model.json: features_info.ctrs[3]`. All access checks the type. */
export class DocumentPart {
  readonly value: unknown;
  readonly where: string;
  readonly #separator: string;

  /** @param separator what is between `where` and a part's key */
  constructor(value: unknown, where: string, separator = ": ") {
    this.value = value;
    this.where = where;
    this.#separator = separator;
  }

  /** Whether an object has the key, and not null. @throws ServingError data-loss for what is no object */
  has(key: string): boolean {
    const object = this.#object();
    return Object.hasOwn(object, key) && object[key] !== null;
  }

  /** An object's part. @throws ServingError data-loss when it is not there */
  at(key: string): DocumentPart {
    const object = this.#object();
    if (!Object.hasOwn(object, key)) throw damaged(this.where, `has no ${key}`);
    return new DocumentPart(object[key], this.where + this.#separator + key, ".");
  }

  /** The parts of an object's list; none where it is not there, or null. */
  parts(key: string): readonly DocumentPart[] {
    return this.has(key) ? this.at(key).list() : [];
  }

  /** The parts of an object, by key. @throws ServingError data-loss for what is no object */
  members(): readonly (readonly [string, DocumentPart])[] {
    return Object.entries(this.#object()).map(([key, value], i) => [key, new DocumentPart(value, `${this.where}[${i}]`, ".")]);
  }

  /** The parts of a list. @throws ServingError data-loss for what is none */
  list(): readonly DocumentPart[] {
    return this.values().map((each, i) => new DocumentPart(each, `${this.where}[${i}]`, "."));
  }

  /** A list as it is. @throws ServingError data-loss for what is none */
  values(): readonly unknown[] {
    if (!Array.isArray(this.value)) throw damaged(this.where, "is no list");
    return this.value as readonly unknown[];
  }

  /** A list of numbers. @throws ServingError data-loss for anything else */
  numbers(): ArrayLike<number> {
    return Float64Array.from(this.values(), (each) => {
      if (typeof each !== "number") throw damaged(this.where, "has something else where a number is expected");
      return each;
    });
  }

  /** @throws ServingError data-loss for what is no string */
  text(): string {
    if (typeof this.value !== "string") throw damaged(this.where, "is no string");
    return this.value;
  }

  /** @throws ServingError data-loss for what is no number */
  number(): number {
    if (typeof this.value !== "number") throw damaged(this.where, "is no number");
    return this.value;
  }

  /** @throws ServingError data-loss for what is no whole number of 32 bits */
  integer(): number {
    const number = this.number();
    if ((number | 0) !== number) throw damaged(this.where, `is ${number} where a whole number is expected`);
    return number;
  }

  #object(): Readonly<Record<string, unknown>> {
    if (typeof this.value !== "object" || this.value === null || Array.isArray(this.value))
      throw damaged(this.where, "is no object");
    return this.value as Record<string, unknown>;
  }
}
