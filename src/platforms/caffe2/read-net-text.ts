import { ServingError } from "../../base/serving-error.ts";
import { describeToken, type Token, Tokenizer } from "../../codec/text-format/tokenizer.ts";
import type { Argument, Net, Operator } from "./net-def.ts";
import { FloatList, IntegerList } from "./number-lists.ts";
import { Turns } from "./turns.ts";

/** How deep messages may be nested, the outermost one included. */
const DEPTH_LIMIT = 100;
/** A token is as much work as so many bytes of the binary form. */
const TOKEN_WORK = 500;
const FLOAT_NAMES: ReadonlyMap<string, number> = new Map([
  ["inf", Number.POSITIVE_INFINITY],
  ["infinity", Number.POSITIVE_INFINITY],
  ["nan", Number.NaN],
]);
const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;

/**
 * Reads a `caffe2.NetDef` in protobuf's text format. Fields that say nothing of what the net computes, and unknown ones, are passed over.
 * @param file what errors call the file
 * @throws ServingError data-loss `FILE:LINE:COL: what is wrong`; the signal's reason once it aborts
 */
export async function readNetText(text: string, file: string, signal: AbortSignal): Promise<Net> {
  try {
    return await new TextReader(text, signal).net(file);
  } catch (reason) {
    if (!(reason instanceof ServingError) || signal.aborted) throw reason;
    throw new ServingError("data-loss", `${file}:${reason.message}`, { cause: reason });
  }
}

/** An argument as far as it has been read. */
interface Reading {
  float?: number;
  integer?: bigint;
  text?: Uint8Array;
  floats?: FloatList;
  integers?: IntegerList;
  texts?: Uint8Array[];
  nested: boolean;
}

/** Reads the value of a field; false for one to pass over. */
type Field = (name: string) => Promise<boolean>;

class TextReader {
  readonly #tokens: Tokenizer;
  readonly #turns: Turns;

  constructor(text: string, signal: AbortSignal) {
    this.#tokens = new Tokenizer(text);
    this.#turns = new Turns(signal);
  }

  async net(file: string): Promise<Net> {
    const operators: Operator[] = [];
    const externalInputs: string[] = [];
    const externalOutputs: string[] = [];
    await this.#fields(undefined, 1, async (name) => {
      if (name === "op") await this.#messages(async () => void operators.push(await this.#operator()));
      else if (name === "external_input") await this.#values(() => externalInputs.push(this.#text()));
      else if (name === "external_output") await this.#values(() => externalOutputs.push(this.#text()));
      else return false;
      return true;
    });
    return { file, operators, externalInputs, externalOutputs };
  }

  async #operator(): Promise<Operator> {
    let [type, name] = ["", ""];
    const inputs: string[] = [];
    const outputs: string[] = [];
    const args = new Map<string, Argument>();
    await this.#message(2, async (field) => {
      if (field === "arg") await this.#messages(() => this.#argument(args));
      else if (field === "type") await this.#values(() => (type = this.#text()));
      else if (field === "name") await this.#values(() => (name = this.#text()));
      else if (field === "input") await this.#values(() => inputs.push(this.#text()));
      else if (field === "output") await this.#values(() => outputs.push(this.#text()));
      else return false;
      return true;
    });
    return { type, name, inputs, outputs, args };
  }

  async #argument(args: Map<string, Argument>): Promise<void> {
    let name = "";
    const read: Reading = { nested: false };
    const { offset } = this.#tokens.peek();
    await this.#message(3, async (field) => {
      if (field === "name") await this.#values(() => (name = this.#text()));
      else if (field === "f") await this.#values(() => (read.float = Math.fround(this.#float())));
      else if (field === "i") await this.#values(() => (read.integer = this.#integer()));
      else if (field === "s") await this.#values(() => (read.text = this.#bytes()));
      else if (field === "floats") {
        const floats = read.floats ?? new FloatList();
        read.floats = floats;
        await this.#values(() => floats.push(this.#float()));
      } else if (field === "ints") {
        const integers = read.integers ?? new IntegerList();
        read.integers = integers;
        await this.#values(() => {
          const value = this.#integer();
          integers.push(Number(BigInt.asIntN(32, value)), Number(value >> 32n));
        });
      } else if (field === "strings") {
        const texts = read.texts ?? [];
        read.texts = texts;
        await this.#values(() => texts.push(this.#bytes()));
      } else {
        read.nested ||= field === "n" || field === "nets" || field === "tensors";
        return false;
      }
      return true;
    });
    if (args.has(name)) throw this.#tokens.error(offset, `the operator has the argument ${JSON.stringify(name)} twice`);
    const { nested, floats, integers, ...rest } = read;
    args.set(name, {
      ...rest,
      ...(floats !== undefined && { floats: floats.finish() }),
      ...(integers !== undefined && { integers: integers.finish() }),
      ...(nested && { nested }),
    });
  }

  async #fields(close: string | undefined, depth: number, field: Field): Promise<void> {
    if (depth > DEPTH_LIMIT) throw this.#unexpected(`messages nested no deeper than ${DEPTH_LIMIT}`);
    for (;;) {
      if (this.#turns.spend(TOKEN_WORK)) await this.#turns.take();
      if (close !== undefined && this.#tokens.takeSymbol(close)) return;
      const token = this.#tokens.peek();
      if (token.kind === "end" && close === undefined) return;
      if (token.kind === "symbol" && token.text === "[") {
        this.#tokens.take();
        this.#tokens.takeBracketedName();
        await this.#skip(depth);
      } else if (token.kind === "identifier" || (token.kind === "integer" && token.value > 0n)) {
        this.#tokens.take();
        if (!(await field(token.text))) await this.#skip(depth);
      } else throw this.#unexpected(close === undefined ? "a field" : `a field or "${close}"`);
      if (!this.#tokens.takeSymbol(",")) this.#tokens.takeSymbol(";");
    }
  }

  async #message(depth: number, field: Field): Promise<void> {
    const close = this.#tokens.takeSymbol("{") ? "}" : this.#tokens.takeSymbol("<") ? ">" : undefined;
    if (close === undefined) throw this.#unexpected('"{" or "<"');
    await this.#fields(close, depth, field);
  }

  /** A message, or several in brackets; the colon before them may be left out. */
  async #messages(read: () => Promise<void>): Promise<void> {
    this.#tokens.takeSymbol(":");
    if (!this.#tokens.takeSymbol("[")) return await read();
    if (this.#tokens.takeSymbol("]")) return;
    do await read();
    while (this.#tokens.takeSymbol(","));
    this.#take("]");
  }

  /** A value, or several in brackets. */
  async #values(read: () => unknown): Promise<void> {
    this.#take(":");
    if (!this.#tokens.takeSymbol("[")) {
      read();
      return;
    }
    if (this.#tokens.takeSymbol("]")) return;
    do {
      read();
      if (this.#turns.spend(TOKEN_WORK)) await this.#turns.take();
    } while (this.#tokens.takeSymbol(","));
    this.#take("]");
  }

  /** What follows the name of a field that is passed over. */
  async #skip(depth: number): Promise<void> {
    const colon = this.#tokens.takeSymbol(":");
    if (!this.#tokens.takeSymbol("[")) return await this.#skipOne(colon, depth);
    if (this.#tokens.takeSymbol("]")) return;
    do await this.#skipOne(colon, depth);
    while (this.#tokens.takeSymbol(","));
    this.#take("]");
  }

  async #skipOne(scalars: boolean, depth: number): Promise<void> {
    const first = this.#tokens.peek();
    if (first.kind === "symbol" && (first.text === "{" || first.text === "<" || !scalars)) {
      await this.#message(depth + 1, async () => false);
      return;
    }
    this.#tokens.takeSymbol("-");
    const value = this.#tokens.peek();
    if (!scalars || value.kind === "symbol" || value.kind === "end") throw this.#unexpected("a value");
    if (value.kind === "string") this.#bytes();
    else this.#tokens.take();
  }

  /** Adjacent literals are one. */
  #bytes(): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let token = this.#tokens.peek(); token.kind === "string"; token = this.#tokens.peek()) {
      parts.push(token.bytes);
      this.#tokens.take();
    }
    if (parts.length === 0) throw this.#unexpected("a string");
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  #text(): string {
    return new TextDecoder().decode(this.#bytes());
  }

  #float(): number {
    const negative = this.#tokens.takeSymbol("-");
    const value = floatOf(this.#tokens.peek());
    if (value === undefined) throw this.#unexpected("a number");
    this.#tokens.take();
    return negative ? -value : value;
  }

  #integer(): bigint {
    const negative = this.#tokens.takeSymbol("-");
    const token = this.#tokens.peek();
    const value = token.kind === "integer" ? (negative ? -token.value : token.value) : undefined;
    if (value === undefined || value < LEAST || value > MOST) throw this.#unexpected("an integer of 64 bits");
    this.#tokens.take();
    return value;
  }

  #take(symbol: string): void {
    if (!this.#tokens.takeSymbol(symbol)) throw this.#unexpected(`"${symbol}"`);
  }

  #unexpected(expected: string): Error {
    const token: Token = this.#tokens.peek();
    return this.#tokens.error(token.offset, `expected ${expected}, got ${describeToken(token)}`);
  }
}

function floatOf(token: Token): number | undefined {
  if (token.kind === "float") return Number(token.text.replace(/[fF]$/, ""));
  if (token.kind === "identifier") return FLOAT_NAMES.get(token.text.toLowerCase());
  return token.kind === "integer" ? Number(token.value) : undefined;
}
