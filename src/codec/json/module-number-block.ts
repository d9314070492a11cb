import { largeBuffers, SMALLEST_LARGE } from "../../base/large-buffers.ts";
import { ARRAY_TYPES, type NumericArray } from "../../tensor/dtype.ts";
import { allocateBlock, type BlockType, type NumberBlock } from "./number-block.ts";
import { DONE, MORE, type NumberModule } from "./number-module/number-module.ts";

// An array of a few numbers must not cost the copy of a whole window.
const FIRST_WINDOW = 2048;
const WINDOW_GROWTH = 4;

/** Part of an estimated array that may stay unused without it being copied into one that fits. */
const ACCEPTED_SLACK = 1 / 16;
/** The same of an array in memory that is used again. */
const ACCEPTED_LENT_SLACK = 1 / 4;

const NOTHING = new Uint8Array(0);

/** {@link readNumberBlock} by the module. The text passes through its memory window by window. */
export function readNumberBlockByModule(
  module: NumberModule,
  bytes: Uint8Array,
  start: number,
  limit: number,
  dtype: BlockType,
): NumberBlock | undefined {
  module.scanned.bytes = bytes;
  module.scanned.limit = limit;
  try {
    return new BlockScan(module, bytes, start, limit, dtype).read();
  } finally {
    module.scanned.bytes = NOTHING;
  }
}

class BlockScan {
  private readonly module: NumberModule;
  private readonly bytes: Uint8Array;
  private readonly start: number;
  private readonly limit: number;
  private readonly dtype: BlockType;
  private readonly itemBytes: number;
  /** Values that did not fit the module's output any more. */
  private gathered: NumericArray | undefined;
  private gatheredCount = 0;
  /** Address after the values in the module's output. */
  private out: number;

  constructor(module: NumberModule, bytes: Uint8Array, start: number, limit: number, dtype: BlockType) {
    this.module = module;
    this.bytes = bytes;
    this.start = start;
    this.limit = limit;
    this.dtype = dtype;
    this.itemBytes = ARRAY_TYPES[dtype].bytes;
    this.out = module.output;
  }

  read(): NumberBlock | undefined {
    const { module, bytes, limit, itemBytes } = this;
    const { memory, input, inputMargin, functions } = module;
    const scan = module.scans[this.dtype];
    const outputEnd = module.output + module.outputSize;
    let at = this.start;
    let window = FIRST_WINDOW;
    functions.begin();
    for (;;) {
      const stop = Math.min(at + window, limit);
      const end = input + stop - at;
      const last = stop === limit;
      memory.set(bytes.subarray(at, stop), input);
      memory.fill(0, end, end + inputMargin);
      module.scanned.shift = at - input;
      if (this.out + (((stop - at) >>> 1) + 1) * itemBytes > outputEnd) this.gather(at);
      const status = scan(input, end, last ? 1 : 0, this.out);
      if (status !== DONE && (status !== MORE || last)) return undefined;
      this.out = functions.written.value;
      at = functions.position.value + module.scanned.shift;
      if (status === DONE) return { end: at, shape: this.shape(), dtype: this.dtype, values: this.values() };
      window = Math.min(window * WINDOW_GROWTH, module.inputSize);
    }
  }

  private shape(): number[] {
    const { functions } = this.module;
    const rank = functions.rank.value;
    const shape: number[] = [];
    for (let level = 1; level <= rank; level++) shape.push(functions.sizeAt(level));
    return shape;
  }

  /** A view of the values in the module's output. */
  private output(): NumericArray {
    const { memory, output } = this.module;
    return new ARRAY_TYPES[this.dtype].array(memory.buffer, output, (this.out - output) / this.itemBytes);
  }

  private values(): NumericArray {
    if (this.gathered === undefined) {
      const output = this.output();
      const own = allocateBlock(this.dtype, output.length);
      // Both are of one class.
      (own as Uint8Array).set(output as Uint8Array);
      return own;
    }
    this.gather(this.limit);
    const { gathered, gatheredCount } = this;
    const slack = gathered.byteLength < SMALLEST_LARGE ? ACCEPTED_SLACK : ACCEPTED_LENT_SLACK;
    if (gathered.length - gatheredCount <= gathered.length * slack) return gathered.subarray(0, gatheredCount);
    const values = gathered.slice(0, gatheredCount);
    largeBuffers.giveBack(gathered);
    return values;
  }

  /** Takes the values out of the module's memory; the text is read up to `at`. */
  private gather(at: number): void {
    const values = this.output();
    const count = this.gatheredCount + values.length;
    if (this.gathered === undefined || count > this.gathered.length) {
      // As many as there would be if the rest were as dense, and a little more.
      const estimate = Math.ceil((count * 1.02 * (this.limit - this.start)) / (at - this.start)) + 64;
      const larger = allocateBlock(this.dtype, estimate) as Uint8Array;
      // All arrays of a block are of one class.
      if (this.gathered !== undefined) {
        larger.set(this.gathered.subarray(0, this.gatheredCount) as Uint8Array);
        largeBuffers.giveBack(this.gathered);
      }
      this.gathered = larger;
    }
    (this.gathered as Uint8Array).set(values as Uint8Array, this.gatheredCount);
    this.gatheredCount = count;
    this.out = this.module.output;
  }
}
