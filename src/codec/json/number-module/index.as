// The module's functions: see src/codec/json/number-module.ts for who calls them.
import { print } from "./print";
import { begin, position, rank, scan, setNumberEnd, sizeAt, written } from "./scan";
import { INPUT, INPUT_MARGIN, INPUT_SIZE, OUTPUT, OUTPUT_SIZE, SEPARATORS, SEPARATOR_SIZE } from "./memory";

export { INPUT, INPUT_MARGIN, INPUT_SIZE, OUTPUT, OUTPUT_SIZE, SEPARATORS, SEPARATOR_SIZE };
export { begin, position, rank, setNumberEnd, sizeAt, written };

export function scanFloat32(at: usize, end: usize, last: bool, out: usize): i32 {
  return scan<f32>(at, end, last, out);
}
export function scanFloat64(at: usize, end: usize, last: bool, out: usize): i32 {
  return scan<f64>(at, end, last, out);
}
export function scanInt8(at: usize, end: usize, last: bool, out: usize): i32 {
  return scan<i8>(at, end, last, out);
}
export function scanInt16(at: usize, end: usize, last: bool, out: usize): i32 {
  return scan<i16>(at, end, last, out);
}
export function scanInt32(at: usize, end: usize, last: bool, out: usize): i32 {
  return scan<i32>(at, end, last, out);
}
export function scanInt64(at: usize, end: usize, last: bool, out: usize): i32 {
  return scan<i64>(at, end, last, out);
}
export function scanUint8(at: usize, end: usize, last: bool, out: usize): i32 {
  return scan<u8>(at, end, last, out);
}
export function scanUint16(at: usize, end: usize, last: bool, out: usize): i32 {
  return scan<u16>(at, end, last, out);
}
export function scanUint32(at: usize, end: usize, last: bool, out: usize): i32 {
  return scan<u32>(at, end, last, out);
}
export function scanUint64(at: usize, end: usize, last: bool, out: usize): i32 {
  return scan<u64>(at, end, last, out);
}

export function printFloat32(count: i32, rowLength: i32, inRow: i32, elementSeparator: usize, rowSeparator: usize): usize {
  return print<f32>(count, rowLength, inRow, elementSeparator, rowSeparator);
}
export function printFloat64(count: i32, rowLength: i32, inRow: i32, elementSeparator: usize, rowSeparator: usize): usize {
  return print<f64>(count, rowLength, inRow, elementSeparator, rowSeparator);
}
