import { damagedParquet } from "./damaged-parquet.ts";

/**
 * Unpacks a block of Snappy's, whose first number has to be the length of `output`.
 * @throws ServingError data-loss for a damaged block, or another length
 */
export function unpackSnappy(input: Uint8Array, output: Uint8Array): void {
  let at = 0;
  let length = 0;
  for (let scale = 1; ; scale *= 128) {
    if (at === input.length || at === 5) throw damaged();
    const byte = input[at++];
    length += (byte & 127) * scale;
    if (byte < 128) break;
  }
  if (length !== output.length) throw damaged();
  let to = 0;
  while (at < input.length) {
    const tag = input[at++];
    if ((tag & 3) === 0) {
      let literal = tag >>> 2;
      if (literal >= 60) {
        const bytes = literal - 59;
        literal = 0;
        for (let i = 0; i < bytes; i++) literal += (input[at + i] ?? 0) * 256 ** i;
        at += bytes;
      }
      literal++;
      if (literal > input.length - at || literal > output.length - to) throw damaged();
      output.set(input.subarray(at, at + literal), to);
      at += literal;
      to += literal;
      continue;
    }
    const far = (tag & 3) === 1 ? 1 : (tag & 3) === 2 ? 2 : 4;
    const copied = far === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    let distance = far === 1 ? (tag >>> 5) * 256 + (input[at] ?? 0) : 0;
    if (far > 1) for (let i = 0; i < far; i++) distance += (input[at + i] ?? 0) * 256 ** i;
    at += far;
    if (at > input.length || distance === 0 || distance > to || copied > output.length - to) throw damaged();
    // What is copied may be what was just written.
    for (let i = 0; i < copied; i++) output[to + i] = output[to + i - distance];
    to += copied;
  }
  if (to !== output.length) throw damaged();
}

function damaged() {
  return damagedParquet("a page is compressed with Snappy, and damaged");
}
