import { writeFloat32, writeFloat64 } from "./float-text.ts";
import type { JsonWriter } from "./json-writer.ts";
import { type NumberModule, numberModule } from "./number-module/number-module.ts";

/** Fewer numbers are written faster than the module is called (benchmark/json-numbers.mjs). */
const FEW_NUMBERS = 8;

/** Longest text of a number with what the module may write after its end. */
const LONGEST = 64;

/**
 * Writes the numbers `[start, end)` of row-major rows of `rowLength`, `start` at the start of a row, as {@link writeFloat32} and
 * {@link writeFloat64} do: between two of a row `elementSeparator`, between two rows `rowSeparator`, both ASCII.
 */
export function writeFloatRows(
  writer: JsonWriter,
  values: Float32Array | Float64Array,
  start: number,
  end: number,
  rowLength: number,
  elementSeparator: string,
  rowSeparator: string,
): void {
  if (end - start >= FEW_NUMBERS) {
    const module = numberModule();
    if (module !== undefined && Math.max(elementSeparator.length, rowSeparator.length) <= module.separatorSize) {
      writeRowsByModule(writer, module, values, start, end, rowLength, elementSeparator, rowSeparator);
      return;
    }
  }
  const write = values instanceof Float32Array ? writeFloat32 : writeFloat64;
  for (let i = start, column = 0; i < end; i++) {
    if (i > start) {
      writer.ascii(column === rowLength ? rowSeparator : elementSeparator);
      if (column === rowLength) column = 0;
    }
    write(writer, values[i]);
    column++;
  }
}

function writeRowsByModule(
  writer: JsonWriter,
  module: NumberModule,
  values: Float32Array | Float64Array,
  start: number,
  end: number,
  rowLength: number,
  elementSeparator: string,
  rowSeparator: string,
): void {
  const { memory, functions, input, output } = module;
  const print = values instanceof Float32Array ? functions.printFloat32 : functions.printFloat64;
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const size = values.BYTES_PER_ELEMENT;
  writeSeparator(module, elementSeparator, module.separators);
  writeSeparator(module, rowSeparator, module.separators + module.separatorSize);
  const longest = LONGEST + Math.max(elementSeparator.length, rowSeparator.length);
  const most = Math.min(Math.floor(module.outputSize / longest), module.inputSize / size) - 1;
  let column = 0;
  for (let at = start; at < end; ) {
    const count = Math.min(most, end - at);
    if (at > start) {
      writer.ascii(column === rowLength ? rowSeparator : elementSeparator);
      if (column === rowLength) column = 0;
    }
    memory.set(bytes.subarray(at * size, (at + count) * size), input);
    const textEnd = print(count, rowLength, column, elementSeparator.length, rowSeparator.length);
    writer.raw(memory.subarray(output, textEnd));
    at += count;
    column = ((at - start - 1) % rowLength) + 1;
  }
}

function writeSeparator({ memory }: NumberModule, text: string, address: number): void {
  for (let i = 0; i < text.length; i++) memory[address + i] = text.charCodeAt(i);
}
