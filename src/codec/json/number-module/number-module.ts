// The WebAssembly half of JSON's numbers: docs/adr/0006-json-numbers-in-webassembly.md.

import { floatText } from "../float-text.ts";
import { nearestFloat32, numberValue, scanNumber } from "../number.ts";
import type { BlockType } from "../number-block.ts";
import { MODULE_TEXT } from "./module-text.ts";

/** What `scan` ended with. */
export const DONE = 0;
/** The window ended first. */
export const MORE = 1;

type Scan = (at: number, end: number, last: number, out: number) => number;
type Print = (count: number, rowLength: number, inRow: number, elementSeparator: number, rowSeparator: number) => number;

interface Variable {
  readonly value: number;
}

interface Functions {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly begin: () => void;
  readonly setNumberEnd: (end: number) => void;
  readonly sizeAt: (level: number) => number;
  readonly position: Variable;
  readonly written: Variable;
  readonly rank: Variable;
  readonly printFloat32: Print;
  readonly printFloat64: Print;
}

interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
}

/** The text of the block being read. */
interface ScannedText {
  bytes: Uint8Array;
  /** What to add to an address in the module's input for the offset in `bytes`. */
  shift: number;
  /** Offset of the byte that ends the text. */
  limit: number;
}

/** The module in use by this thread. Its memory belongs to one call at a time: no call of it may begin within another. */
export class NumberModule {
  readonly functions: Functions;
  readonly memory: Uint8Array<ArrayBuffer>;
  /** Where the input lies and how long it may be; `inputMargin` bytes after it may be read too. */
  readonly input: number;
  readonly inputSize: number;
  readonly inputMargin: number;
  /** Where results lie and how long they may be. */
  readonly output: number;
  readonly outputSize: number;
  /** Where separators lie: of elements first, of rows `separatorSize` on. */
  readonly separators: number;
  readonly separatorSize: number;
  readonly scans: Readonly<Record<BlockType, Scan>>;
  /** Set by whoever scans; numbers that the module cannot decide are read from here. */
  readonly scanned: ScannedText = { bytes: new Uint8Array(0), shift: 0, limit: 0 };

  constructor(api: WebAssemblyApi) {
    const caller = {
      readNumber: (at: number, narrow: number) => this.readNumber(at, narrow === 1),
      printNumber: (index: number, narrow: number, out: number) => this.printNumber(index, narrow === 1, out),
    };
    const { exports } = new api.Instance(new api.Module(Buffer.from(MODULE_TEXT, "base64")), { caller });
    this.functions = exports as Functions;
    const constant = (name: string) => (exports as Record<string, Variable>)[name].value;
    const scan = (name: string) => (exports as Record<string, Scan>)[name];
    this.memory = new Uint8Array(this.functions.memory.buffer);
    this.input = constant("INPUT");
    this.inputSize = constant("INPUT_SIZE");
    this.inputMargin = constant("INPUT_MARGIN");
    this.output = constant("OUTPUT");
    this.outputSize = constant("OUTPUT_SIZE");
    this.separators = constant("SEPARATORS");
    this.separatorSize = constant("SEPARATOR_SIZE");
    this.scans = {
      float32: scan("scanFloat32"),
      float64: scan("scanFloat64"),
      int8: scan("scanInt8"),
      int16: scan("scanInt16"),
      int32: scan("scanInt32"),
      int64: scan("scanInt64"),
      uint8: scan("scanUint8"),
      uint16: scan("scanUint16"),
      uint32: scan("scanUint32"),
      uint64: scan("scanUint64"),
    };
  }

  /** Decides what 128 bits do not: more than about 20 digits, ties, subnormals, NaN and infinities. */
  private readNumber(at: number, narrow: boolean): number {
    const { bytes, shift, limit } = this.scanned;
    const start = at + shift;
    const end = scanNumber(bytes, start, limit);
    this.functions.setNumberEnd(end < 0 ? 0 : end - shift);
    if (end < 0) return 0;
    const value = numberValue(bytes, start, end);
    return narrow ? nearestFloat32(bytes, start, end, value) : value;
  }

  /** Prints a number that lies too near a tie. */
  private printNumber(index: number, narrow: boolean, out: number): number {
    const values = new DataView(this.memory.buffer, this.input);
    const text = narrow ? floatText(values.getFloat32(index * 4, true), 9) : floatText(values.getFloat64(index * 8, true), 17);
    this.memory.set(text, out);
    return out + text.length;
  }
}

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

let state: NumberModule | "unavailable" | undefined;

/** This thread's module, compiled when first asked for; undefined where there is no WebAssembly with vectors or room for it. */
export function numberModule(): NumberModule | undefined {
  state ??= instantiate();
  return state === "unavailable" ? undefined : state;
}

function instantiate(): NumberModule | "unavailable" {
  const { WebAssembly: api } = globalThis as unknown as { readonly WebAssembly?: WebAssemblyApi };
  // The arrays that look into its memory are in the machine's order, the memory in WebAssembly's.
  if (api === undefined || !LITTLE_ENDIAN) return "unavailable";
  try {
    return new NumberModule(api);
  } catch {
    return "unavailable";
  }
}

/** For tests: runs `action` as where there is no WebAssembly. */
export function withoutNumberModule<Result>(action: () => Result): Result {
  const before = state;
  state = "unavailable";
  try {
    return action();
  } finally {
    state = before;
  }
}
