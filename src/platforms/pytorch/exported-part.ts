import { ServingError } from "../../base/serving-error.ts";

/** A part of a JSON document whose form is not known to be right, and the way to it for errors. */
export class ExportedPart {
  readonly value: unknown;
  readonly #way: string;

  /** @param way what errors call the part: the file and the keys that lead to it */
  constructor(value: unknown, way: string) {
    this.value = value;
    this.#way = way;
  }

  /** Whether there is something: neither nothing nor null. */
  get isThere(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** The part under a key, which may not be there. @throws ServingError data-loss when this is no object */
  at(key: string): ExportedPart {
    return new ExportedPart(
      Object.hasOwn(this.#object(), key) ? this.#object()[key] : undefined,
      `${this.#way}.${key.slice(0, 64)}`,
    );
  }

  /** Its keys. @throws ServingError data-loss when this is no object */
  keys(): readonly string[] {
    return Object.keys(this.#object());
  }

  /** Parts by key. @throws ServingError data-loss when this is no object */
  entries(): readonly (readonly [string, ExportedPart])[] {
    return this.keys().map((key) => [key, this.at(key)] as const);
  }

  /** Its elements. @throws ServingError data-loss when this is no list */
  list(): readonly ExportedPart[] {
    if (!Array.isArray(this.value)) throw this.damaged("is no list");
    return this.value.map((each, i) => new ExportedPart(each, `${this.#way}[${i}]`));
  }

  /** @throws ServingError data-loss when this is no text */
  text(): string {
    if (typeof this.value !== "string") throw this.damaged("is no text");
    return this.value;
  }

  /** @throws ServingError data-loss when this is no whole number */
  integer(): number {
    if (!Number.isSafeInteger(this.value)) throw this.damaged("is no whole number");
    return this.value as number;
  }

  /** An error of code data-loss about this part. @param what `is no list` */
  damaged(what: string): ServingError {
    return new ServingError("data-loss", `${this.#way} ${what}`);
  }

  #object(): Readonly<Record<string, unknown>> {
    if (typeof this.value !== "object" || this.value === null || Array.isArray(this.value)) throw this.damaged("is no object");
    return this.value as Readonly<Record<string, unknown>>;
  }
}
