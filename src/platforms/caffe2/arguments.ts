import { ServingError } from "../../base/serving-error.ts";
import type { Argument, Operator } from "./net-def.ts";

/** The arguments of one operator, each read by name with the type that it should have. Errors have no place yet: who reads says where. */
export class Arguments {
  readonly #args: ReadonlyMap<string, Argument>;

  constructor({ args }: Pick<Operator, "args">) {
    this.#args = args;
  }

  has(name: string): boolean {
    return this.#args.has(name);
  }

  /** A whole number. @throws ServingError invalid-argument for what is none, or one beyond 2^53 */
  integer(name: string, fallback: number): number {
    const given = this.#args.get(name);
    if (given === undefined) return fallback;
    if (given.integer === undefined) throw mistyped(name, "an integer");
    return safe(name, given.integer);
  }

  flag(name: string, fallback = false): boolean {
    return this.integer(name, fallback ? 1 : 0) !== 0;
  }

  /** A number, given as a float or a whole one. */
  float(name: string, fallback: number): number {
    const given = this.#args.get(name);
    if (given === undefined) return fallback;
    const value = given.float ?? (given.integer === undefined ? undefined : Number(given.integer));
    if (value === undefined) throw mistyped(name, "a number");
    return value;
  }

  text(name: string, fallback: string): string {
    const given = this.#args.get(name);
    if (given === undefined) return fallback;
    if (given.text === undefined) throw mistyped(name, "a text");
    return new TextDecoder().decode(given.text);
  }

  /** Whole numbers; undefined where there is no such argument. A list without any is empty. */
  integers(name: string): readonly number[] | undefined {
    const given = this.#args.get(name);
    if (given === undefined) return undefined;
    if (given.integers === undefined && !isEmpty(given)) throw mistyped(name, "a list of integers");
    return Array.from(given.integers ?? [], (value) => safe(name, value));
  }

  /** The argument as it was read; empty where there is none. */
  raw(name: string): Argument {
    return this.#args.get(name) ?? {};
  }
}

/** Protobuf writes nothing of a list without any elements. */
function isEmpty(argument: Argument): boolean {
  return Object.keys(argument).length === 0;
}

function safe(name: string, value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new ServingError("invalid-argument", `argument "${name}" is ${value}, which is too large`);
}

function mistyped(name: string, wanted: string): ServingError {
  return new ServingError("invalid-argument", `argument "${name}" is not ${wanted}`);
}
