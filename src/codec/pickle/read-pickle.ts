import { ServingError } from "../../base/serving-error.ts";
import { PickleInput } from "./pickle-input.ts";
import { PickleName, PickleObject, type PickleValue } from "./pickle-value.ts";

/** What lies in the stream behind an object: bytes, or a pickle of its own. */
export type Inline =
  | { readonly kind: "pickle" }
  /** `aligned`: a byte that counts the padding, and the padding, come first. */
  | { readonly kind: "bytes"; readonly length: number; readonly aligned: boolean };

/** What a reader of pickles has to know of what is in them. */
export interface PickleOptions {
  /** Whether a name may be in the pickle. */
  readonly allows: (name: PickleName) => boolean;
  /** What lies behind an object whose state has just been read; nothing by default. */
  readonly inline?: (object: PickleObject) => Inline | undefined;
  /** What stands for an object outside of the file; without it a pickle with one is refused. */
  readonly persistent?: (id: PickleValue) => PickleValue;
  /** Most bytes of memory that the values may take, by a rough count; by default 64 MiB and eight times the pickle. */
  readonly mostBytes?: number;
}

/** Pickles within one another. */
const MOST_DEPTH = 16;
const MIB = 2 ** 20;
/** Bytes of memory, about. */
const SLOT = 16;
const CONTAINER = 64;
const TABLE = 192;
/** Longest name that an error shows. */
const LONGEST_SHOWN = 100;
const MODULES: ReadonlyMap<string, string> = new Map([
  ["__builtin__", "builtins"],
  ["copy_reg", "copyreg"],
]);

/** One of the pickles within one another. */
interface Frame {
  readonly stack: PickleValue[];
  readonly marks: number[];
  readonly memo: Map<number, PickleValue>;
  /** Whose data it is. */
  readonly owner: PickleObject | undefined;
}

/**
 * Reads a pickle of protocols 0 to 5 as plain data. No name is looked up, nothing is called: whatever a pickle would make is a record of
 * what it asked for.
 *
 * @throws ServingError invalid-argument, with the name, for names that are not allowed; data-loss for a damaged pickle; unimplemented for
 * data outside of the file; resource-exhausted for too much of anything
 */
export function readPickle(bytes: Uint8Array, options: PickleOptions): PickleValue {
  return new PickleReader(bytes, options).read();
}

class PickleReader {
  readonly #input: PickleInput;
  readonly #options: PickleOptions;
  readonly #mostBytes: number;
  readonly #frames: Frame[] = [];
  #frame: Frame = newFrame(undefined);
  #taken = 0;

  constructor(bytes: Uint8Array, options: PickleOptions) {
    this.#input = new PickleInput(bytes);
    this.#options = options;
    this.#mostBytes = options.mostBytes ?? 64 * MIB + 8 * bytes.length;
  }

  read(): PickleValue {
    for (;;) {
      const code = this.#input.byte();
      // What most of a pickle is made of comes first.
      if (code === STOP) {
        const value = this.#pop();
        const { owner } = this.#frame;
        if (owner === undefined) return value;
        owner.inline = value;
        this.#frame = this.#frames.pop()!;
      } else {
        const handled = this.#scalar(code) || this.#container(code) || this.#memory(code) || this.#object(code);
        if (!handled) throw this.#input.damaged(`has the unknown code 0x${code.toString(16).padStart(2, "0")}`);
      }
    }
  }

  #scalar(code: number): boolean {
    const input = this.#input;
    switch (code) {
      case 0x4e: // N
        return this.#push(null);
      case 0x88:
        return this.#push(true);
      case 0x89:
        return this.#push(false);
      case 0x49: {
        // I: whole numbers, and how truth was written before protocol 2
        const start = input.position;
        const text = input.line();
        if (text === "00" || text === "01") return this.#push(text === "01");
        input.position = start;
        return this.#push(input.integerLine());
      }
      case 0x4c: // L
        return this.#push(input.integerLine());
      case 0x46: // F
        return this.#push(input.floatLine());
      case 0x47: // G
        return this.#push(input.double());
      case 0x4a: // J
        return this.#push(input.int32());
      case 0x4b: // K
        return this.#push(input.byte());
      case 0x4d: // M
        return this.#push(input.uint16());
      case 0x8a:
        return this.#push(input.integer(input.byte()));
      case 0x8b:
        return this.#push(input.integer(input.uint32()));
      case 0x53: // S
        return this.#pushText(unquoted(input));
      case 0x54: // T
        return this.#pushText(input.latin1(input.uint32()));
      case 0x55: // U
        return this.#pushText(input.latin1(input.byte()));
      case 0x56: // V
        return this.#pushText(unescaped(input));
      case 0x58: // X
        return this.#pushText(input.utf8(input.uint32()));
      case 0x8c:
        return this.#pushText(input.utf8(input.byte()));
      case 0x8d:
        return this.#pushText(input.utf8(input.uint64()));
      case 0x42: // B
        return this.#pushBytes(input.uint32());
      case 0x43: // C
        return this.#pushBytes(input.byte());
      case 0x8e:
      case 0x96:
        return this.#pushBytes(input.uint64());
      default:
        return false;
    }
  }

  #container(code: number): boolean {
    switch (code) {
      case 0x28: // (
        this.#frame.marks.push(this.#frame.stack.length);
        this.#take(SLOT);
        return true;
      case 0x5d: // ]
      case 0x29: // )
        return this.#push([], CONTAINER);
      case 0x7d: // }
        return this.#push(new Map(), TABLE);
      case 0x8f:
        return this.#push(new Set(), TABLE);
      case 0x6c: // l
      case 0x74: // t
        return this.#push(this.#toMark(), CONTAINER);
      case 0x85:
      case 0x86:
      case 0x87:
        return this.#push(this.#last(code - 0x84), CONTAINER);
      case 0x64: {
        // d
        const pairs = this.#toMark();
        const map = new Map<PickleValue, PickleValue>();
        this.#set(map, pairs);
        return this.#push(map, TABLE);
      }
      case 0x91:
        return this.#push(this.#setOf(new Set(), this.#toMark()), TABLE);
      case 0x90: {
        const values = this.#toMark();
        const top = this.#top();
        if (!(top instanceof Set)) throw this.#input.damaged("adds to what is no set");
        this.#setOf(top, values);
        return true;
      }
      case 0x61: // a
        this.#append(this.#last(1));
        return true;
      case 0x65: // e
        this.#append(this.#toMark());
        return true;
      case 0x73: // s
        this.#setIn(this.#last(2));
        return true;
      case 0x75: // u
        this.#setIn(this.#toMark());
        return true;
      default:
        return false;
    }
  }

  #memory(code: number): boolean {
    const input = this.#input;
    switch (code) {
      case 0x30: // 0
        if (this.#frame.stack.length === this.#frame.marks.at(-1)) this.#frame.marks.pop();
        else this.#pop();
        return true;
      case 0x31: // 1
        this.#toMark();
        return true;
      case 0x32: // 2
        return this.#push(this.#top());
      case 0x70: // p
        return this.#remember(input.integerLine());
      case 0x71: // q
        return this.#remember(input.byte());
      case 0x72: // r
        return this.#remember(input.uint32());
      case 0x94:
        return this.#remember(this.#frame.memo.size);
      case 0x67: // g
        return this.#recall(input.integerLine());
      case 0x68: // h
        return this.#recall(input.byte());
      case 0x6a: // j
        return this.#recall(input.uint32());
      case 0x80: {
        const protocol = input.byte();
        if (protocol > 5)
          throw new ServingError("unimplemented", `the pickle is of protocol ${protocol}: save it with protocol 5`);
        return true;
      }
      case 0x95: // A frame's length: it would only help to read ahead.
        input.uint64();
        return true;
      default:
        return false;
    }
  }

  #object(code: number): boolean {
    const input = this.#input;
    switch (code) {
      case 0x63: {
        // c
        const module = input.line();
        return this.#push(this.#name(module, input.line()), CONTAINER);
      }
      case 0x93: {
        const [module, name] = this.#last(2);
        if (typeof module !== "string" || typeof name !== "string") throw input.damaged("has a name that is no text");
        return this.#push(this.#name(module, name), CONTAINER);
      }
      case 0x52: // R
      case 0x81: {
        const [type, args] = this.#last(2);
        return this.#make(type, args);
      }
      case 0x92: {
        const [type, args] = this.#last(3);
        return this.#make(type, args);
      }
      case 0x69: {
        // i
        const module = input.line();
        const type = this.#name(module, input.line());
        return this.#make(type, this.#toMark());
      }
      case 0x6f: {
        // o
        const [type, ...args] = this.#toMark();
        return this.#make(type, args);
      }
      case 0x62: // b
        this.#build(this.#pop());
        return true;
      case 0x50: // P
        return this.#pushPersistent(input.line());
      case 0x51: // Q
        return this.#pushPersistent(this.#pop());
      case 0x82:
      case 0x83:
      case 0x84:
        throw new ServingError("unimplemented", "the pickle refers to Python's registry of extensions");
      case 0x97:
      case 0x98:
        throw new ServingError(
          "unimplemented",
          "the pickle refers to a buffer outside of the file: save it without buffer_callback",
        );
      default:
        return false;
    }
  }

  #pushPersistent(id: PickleValue): boolean {
    const { persistent } = this.#options;
    if (persistent !== undefined) return this.#push(persistent(id));
    throw new ServingError("unimplemented", "the pickle refers to an object outside of the file (a persistent id)");
  }

  #name(given: string, text: string): PickleName {
    const name = new PickleName(MODULES.get(given) ?? given, text);
    if (this.#options.allows(name)) return name;
    const shown = name.full.slice(0, LONGEST_SHOWN).replace(/[^\p{L}\p{N}_.<>]/gu, "?");
    throw new ServingError("invalid-argument", `the pickle calls ${shown}, which is not a model's part`);
  }

  #make(type: PickleValue | undefined, args: PickleValue): boolean {
    if (!(type instanceof PickleName)) throw this.#input.damaged("calls what is no name");
    // What a class without a constructor of its own is made with: the first argument is the class.
    if (type.module === "copyreg" && (type.name === "_reconstructor" || type.name === "__newobj__")) {
      const [made, ...rest] = Array.isArray(args) ? args.slice(0, 2) : [];
      if (!(made instanceof PickleName)) throw this.#input.damaged("makes an object of what is no class");
      return this.#push(new PickleObject(made, rest), 2 * TABLE);
    }
    return this.#push(new PickleObject(type, args), 2 * TABLE);
  }

  #build(state: PickleValue): void {
    const object = this.#top();
    if (!(object instanceof PickleObject)) throw this.#input.damaged("gives a state to what is no object");
    object.state = state;
    const inline = this.#options.inline?.(object);
    if (inline === undefined) return;
    if (inline.kind === "bytes") {
      if (inline.aligned) this.#input.bytes(this.#input.byte());
      object.inline = this.#input.bytes(inline.length);
      return;
    }
    if (this.#frames.length === MOST_DEPTH) {
      throw new ServingError("resource-exhausted", `the pickle has more than ${MOST_DEPTH} pickles within one another`);
    }
    this.#take(TABLE);
    this.#frames.push(this.#frame);
    this.#frame = newFrame(object);
  }

  #append(values: readonly PickleValue[]): void {
    const top = this.#top();
    const list = top instanceof PickleObject ? top.items : top;
    if (!Array.isArray(list)) throw this.#input.damaged("appends to what is no list");
    this.#take(values.length * SLOT);
    for (const value of values) list.push(value);
  }

  #setIn(pairs: readonly PickleValue[]): void {
    const top = this.#top();
    const map = top instanceof PickleObject ? top.entries : top;
    if (!(map instanceof Map)) throw this.#input.damaged("sets an entry of what is no dictionary");
    this.#set(map, pairs);
  }

  #set(map: Map<PickleValue, PickleValue>, pairs: readonly PickleValue[]): void {
    if (pairs.length % 2 !== 0) throw this.#input.damaged("has a key without a value");
    this.#take(pairs.length * 2 * SLOT);
    for (let i = 0; i < pairs.length; i += 2) map.set(pairs[i]!, pairs[i + 1]!);
  }

  #setOf(set: Set<PickleValue>, values: readonly PickleValue[]): Set<PickleValue> {
    this.#take(values.length * 2 * SLOT);
    for (const value of values) set.add(value);
    return set;
  }

  #remember(at: number | bigint): boolean {
    this.#take(3 * SLOT);
    this.#frame.memo.set(Number(at), this.#top());
    return true;
  }

  #recall(at: number | bigint): boolean {
    const value = this.#frame.memo.get(Number(at));
    if (value === undefined) throw this.#input.damaged(`recalls ${at}, which it has not remembered`);
    return this.#push(value);
  }

  #pushText(text: string): boolean {
    return this.#push(text, CONTAINER + 2 * text.length);
  }

  #pushBytes(length: number): boolean {
    return this.#push(this.#input.bytes(length), 2 * CONTAINER);
  }

  #push(value: PickleValue, bytes = 0): boolean {
    this.#take(SLOT + bytes);
    this.#frame.stack.push(value);
    return true;
  }

  #top(): PickleValue {
    const { stack, marks } = this.#frame;
    if (stack.length <= (marks.at(-1) ?? 0)) throw this.#input.damaged("needs a value that is not there");
    return stack.at(-1)!;
  }

  #pop(): PickleValue {
    const value = this.#top();
    this.#frame.stack.pop();
    return value;
  }

  #last(count: number): PickleValue[] {
    const { stack, marks } = this.#frame;
    if (stack.length - count < (marks.at(-1) ?? 0)) throw this.#input.damaged("needs a value that is not there");
    return stack.splice(stack.length - count);
  }

  #toMark(): PickleValue[] {
    const mark = this.#frame.marks.pop();
    if (mark === undefined) throw this.#input.damaged("needs a mark that is not there");
    return this.#frame.stack.splice(mark);
  }

  #take(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken > this.#mostBytes) {
      throw new ServingError("resource-exhausted", `the pickle's values take more than ${this.#mostBytes} bytes of memory`);
    }
  }
}

const STOP = 0x2e;

function newFrame(owner: PickleObject | undefined): Frame {
  return { stack: [], marks: [], memo: new Map(), owner };
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["a", "\x07"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
]);

/** Text in quotes, as Python 2 wrote its strings. */
function unquoted(input: PickleInput): string {
  const text = input.longLine();
  const quote = text[0];
  if (text.length < 2 || (quote !== "'" && quote !== '"') || !text.endsWith(quote))
    throw input.damaged("has a string without quotes");
  return text.slice(1, -1).replace(/\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.)/gs, (_, sign: string) => unescapedSign(sign));
}

/** What stands for a character behind a backslash, in Python 2's strings. */
function unescapedSign(sign: string): string {
  if (sign.length > 1 && sign.startsWith("x")) return String.fromCharCode(Number.parseInt(sign.slice(1), 16));
  if (/^[0-7]/.test(sign)) return String.fromCharCode(Number.parseInt(sign, 8) & 0xff);
  return ESCAPES.get(sign) ?? sign;
}

/** Text with the escapes of raw Unicode. */
function unescaped(input: PickleInput): string {
  return input
    .longLine()
    .replace(/\\(?:u([0-9a-fA-F]{4})|U(00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4}))/g, (_, short?: string, long?: string) =>
      String.fromCodePoint(Number.parseInt((short ?? long)!, 16)),
    );
}
