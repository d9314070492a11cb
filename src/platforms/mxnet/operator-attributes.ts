import type { DType } from "../../tensor/dtype.ts";

/** Makes the error of a setting. */
export type Fault = (code: "invalid-argument" | "unimplemented", message: string) => Error;

/** Settings that are of no meaning for what an operator gives, with or without underscores, or behind an input's name. */
const HIDDEN = /(?:^|_)(?:ctx_group|lr_mult|wd_mult|force_mirroring|mirror_stage|profiler_scope)_*$/;
/** Memory, speed and training. */
const IDLE: ReadonlySet<string> = new Set([
  "workspace",
  "cudnn_tune",
  "cudnn_off",
  "num_args",
  "ctx",
  "sparse_grad",
  "grad_scale",
  "forward_stype",
  "min_calib_range",
  "max_calib_range",
]);
const DTYPE_NAMES: ReadonlySet<string> = new Set([
  "float16",
  "float32",
  "float64",
  "bfloat16",
  "uint8",
  "int8",
  "int32",
  "int64",
  "bool",
]);

/**
 * The settings of one operator, which are texts in Python's manner. Every setting has to be asked for: {@link expectAllRead} refuses what
 * nobody knows.
 */
export class OperatorAttributes {
  readonly #texts: ReadonlyMap<string, string>;
  readonly #fault: Fault;
  readonly #read = new Set<string>();

  constructor(texts: ReadonlyMap<string, string>, fault: Fault) {
    this.#texts = texts;
    this.#fault = fault;
  }

  /** Undefined where it is not given, or given as `None`. */
  text(name: string): string | undefined {
    this.#read.add(name);
    const text = this.#texts.get(name)?.trim();
    return text === "None" ? undefined : text;
  }

  /** Whether it is given as `None`. */
  isNone(name: string): boolean {
    this.#read.add(name);
    return this.#texts.get(name)?.trim() === "None";
  }

  /** Any finite or infinite number. @throws ServingError invalid-argument for what is none. */
  number(name: string, fallback: number): number {
    return this.maybeNumber(name) ?? fallback;
  }

  /** As {@link number}, undefined where it is not given. */
  maybeNumber(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : this.#numeral(name, text);
  }

  /** @throws ServingError invalid-argument for what is no whole number, or not given and without `fallback`. */
  integer(name: string, fallback?: number): number {
    const value = this.maybeInteger(name) ?? fallback;
    if (value === undefined) throw this.#fault("invalid-argument", `it has no ${name}`);
    return value;
  }

  /** As {@link integer}, undefined where it is not given. */
  maybeInteger(name: string): number | undefined {
    const value = this.maybeNumber(name);
    if (value === undefined || Number.isSafeInteger(value)) return value;
    throw this.#wrong(name, "a whole number");
  }

  /** @throws ServingError invalid-argument for what is neither true nor false. */
  boolean(name: string, fallback: boolean): boolean {
    const text = this.text(name)?.toLowerCase();
    if (text === undefined) return fallback;
    if (text === "true" || text === "1") return true;
    if (text === "false" || text === "0") return false;
    throw this.#wrong(name, "True or False");
  }

  /** One of some words. @throws ServingError unimplemented for another. */
  choice<Word extends string>(name: string, fallback: Word | undefined, words: readonly Word[]): Word {
    const text = this.text(name) ?? fallback;
    const found = words.find((word) => word === text);
    if (found === undefined) {
      throw this.#fault(
        "unimplemented",
        `${name} is ${JSON.stringify(text)?.slice(0, 64)}, which is not covered (covered: ${words.join(", ")})`,
      );
    }
    return found;
  }

  /** A dtype by name; undefined where it is not given. @throws ServingError unimplemented for another. */
  dtype(name: string): Exclude<DType, "string"> | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (DTYPE_NAMES.has(text)) return text as Exclude<DType, "string">;
    throw this.#fault("unimplemented", `${name} is ${JSON.stringify(text.slice(0, 64))}, which is not covered`);
  }

  /** Whole numbers, as a tuple or a single one; undefined where nothing or an empty tuple is given. */
  integers(name: string): readonly number[] | undefined {
    return this.sparseIntegers(name)?.map((value) => {
      if (value === undefined) throw this.#wrong(name, "a list of whole numbers");
      return value;
    });
  }

  /** As {@link integers}; undefined for each `None`. */
  sparseIntegers(name: string): readonly (number | undefined)[] | undefined {
    return this.#items(name)?.map((item) => {
      const value = item === "None" ? undefined : this.#numeral(name, item);
      if (value !== undefined && !Number.isSafeInteger(value)) throw this.#wrong(name, "a list of whole numbers");
      return value;
    });
  }

  /** Numbers; undefined where nothing or an empty tuple is given. */
  numbers(name: string): readonly number[] | undefined {
    return this.#items(name)?.map((item) => this.#numeral(name, item));
  }

  /** Says that settings do not matter for what is computed. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#read.add(name);
  }

  /** @throws ServingError unimplemented for a setting that nobody asked for. */
  expectAllRead(): void {
    for (const [name, value] of this.#texts) {
      if (this.#read.has(name) || IDLE.has(name) || HIDDEN.test(name) || /^__.*__$/.test(name)) continue;
      throw this.#fault("unimplemented", `its setting ${name.slice(0, 64)}=${JSON.stringify(value.slice(0, 64))} is not known`);
    }
  }

  #items(name: string): readonly string[] | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const inner = text.replace(/^[([]/, "").replace(/[)\]]$/, "");
    const items = inner.split(",").map((item) => item.trim());
    // A tuple of one has a comma behind it.
    if (items.at(-1) === "") items.pop();
    return items.length === 0 ? undefined : items;
  }

  #numeral(name: string, text: string): number {
    const plain = text.replace(/L$/, "").toLowerCase();
    const word = /^([+-]?)inf(?:inity)?$/.exec(plain);
    if (word !== null) return word[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    if (plain === "true" || plain === "false") return Number(plain === "true");
    const value = plain === "" ? Number.NaN : Number(plain);
    if (!Number.isNaN(value)) return value;
    throw this.#wrong(name, "a number");
  }

  #wrong(name: string, expected: string): Error {
    const text = this.#texts.get(name) ?? "";
    return this.#fault("invalid-argument", `${name} is ${JSON.stringify(text.slice(0, 64))} where ${expected} is expected`);
  }
}
