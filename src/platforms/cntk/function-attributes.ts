import type { ServingError } from "../../base/serving-error.ts";
import { type Dictionary, type DictionaryValue, isStored, type StoredAxis, type StoredSize } from "./dictionary.ts";

type Fault = (code: "invalid-argument" | "unimplemented", message: string) => ServingError;

/** What a function is told besides its inputs, read by name; what is left unread is found out. */
export class FunctionAttributes {
  readonly #entries: Dictionary;
  readonly #fault: Fault;
  readonly #read = new Set<string>();

  constructor(entries: Dictionary, fault: Fault) {
    this.#entries = entries;
    this.#fault = fault;
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** @throws ServingError invalid-argument for what is no whole number, or missing without a fallback; as all of these do */
  integer(name: string, fallback?: number): number {
    const value = this.#take(name) ?? fallback;
    if (typeof value === "number" && Number.isSafeInteger(value)) return value;
    throw this.#wrong(name, "a whole number");
  }

  number(name: string, fallback?: number): number {
    const value = this.#take(name) ?? fallback;
    if (typeof value === "number") return value;
    throw this.#wrong(name, "a number");
  }

  boolean(name: string, fallback?: boolean): boolean {
    const value = this.#take(name) ?? fallback;
    if (typeof value === "boolean") return value;
    throw this.#wrong(name, "true or false");
  }

  text(name: string): string {
    const value = this.#take(name);
    if (typeof value === "string") return value;
    throw this.#wrong(name, "a text");
  }

  /** In CNTK's order. */
  shape(name: string): readonly StoredSize[] {
    const value = this.#take(name);
    if (isStored(value, "shape")) return value.sizes;
    throw this.#wrong(name, "a shape");
  }

  /** Numbers of a shape, in CNTK's order; `fallback` where there is none. */
  sizes(name: string, fallback: readonly number[]): readonly number[] {
    if (!this.has(name)) return fallback;
    return this.shape(name).map((size) => {
      if (typeof size === "number") return size;
      throw this.#wrong(name, "a shape of numbers");
    });
  }

  axis(name: string): StoredAxis {
    const value = this.#take(name);
    if (isStored(value, "axis")) return value;
    throw this.#wrong(name, "an axis");
  }

  axes(name: string): readonly StoredAxis[] {
    return this.#list(name, "axes", (item) => (isStored(item, "axis") ? item : undefined));
  }

  integers(name: string): readonly number[] {
    return this.#list(name, "whole numbers", (item) => (Number.isSafeInteger(item) ? (item as number) : undefined));
  }

  booleans(name: string): readonly boolean[] {
    return this.#list(name, "truth values", (item) => (typeof item === "boolean" ? item : undefined));
  }

  /** Says that attributes do not matter for what is computed. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#read.add(name);
  }

  /** @throws ServingError unimplemented for an attribute that nobody asked for */
  expectAllRead(): void {
    for (const name of this.#entries.keys()) {
      if (!this.#read.has(name))
        throw this.#fault("unimplemented", `its attribute ${JSON.stringify(name.slice(0, 64))} is not known`);
    }
  }

  #list<Item>(name: string, what: string, pick: (item: DictionaryValue) => Item | undefined): readonly Item[] {
    const value = this.#take(name);
    if (!Array.isArray(value)) throw this.#wrong(name, `a list of ${what}`);
    return (value as readonly DictionaryValue[]).map((item) => {
      const picked = pick(item);
      if (picked === undefined) throw this.#wrong(name, `a list of ${what}`);
      return picked;
    });
  }

  #take(name: string): DictionaryValue | undefined {
    this.#read.add(name);
    return this.#entries.get(name);
  }

  #wrong(name: string, expected: string): ServingError {
    return this.#fault("invalid-argument", `its attribute ${JSON.stringify(name)} is not ${expected}`);
  }
}
