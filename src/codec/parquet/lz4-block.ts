import { damagedParquet } from "./damaged-parquet.ts";

/**
 * Unpacks a block of LZ4 to the whole of `output`.
 * @throws ServingError data-loss for a damaged block, or another length
 */
export function unpackLz4Block(input: Uint8Array, output: Uint8Array): void {
  let at = 0;
  let to = 0;
  /** The rest of a length whose four bits are all set. */
  const longer = (): number => {
    let sum = 0;
    for (;;) {
      if (at >= input.length) throw damaged();
      const byte = input[at++];
      sum += byte;
      if (byte !== 255) return sum;
    }
  };
  while (at < input.length) {
    const token = input[at++];
    const literals = token >>> 4 === 15 ? 15 + longer() : token >>> 4;
    if (literals > input.length - at || literals > output.length - to) throw damaged();
    output.set(input.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    // The last piece has nothing that it repeats.
    if (at === input.length) break;
    const distance = input[at] + (input[at + 1] ?? 0) * 256;
    at += 2;
    const copied = ((token & 15) === 15 ? 15 + longer() : token & 15) + 4;
    if (at > input.length || distance === 0 || distance > to || copied > output.length - to) throw damaged();
    for (let i = 0; i < copied; i++) output[to + i] = output[to + i - distance];
    to += copied;
  }
  if (to !== output.length) throw damaged();
}

/**
 * Unpacks blocks of LZ4 as Hadoop puts them in a row: each behind its two lengths, unpacked and packed.
 * @throws ServingError data-loss
 */
export function unpackHadoopLz4(input: Uint8Array, output: Uint8Array): void {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  let at = 0;
  let to = 0;
  while (to < output.length) {
    if (input.length - at < 8) throw damaged();
    let rest = view.getUint32(at);
    at += 4;
    if (rest === 0 || rest > output.length - to) throw damaged();
    // A large piece is several blocks, each with its packed length.
    while (rest > 0) {
      if (input.length - at < 4) throw damaged();
      const packed = view.getUint32(at);
      at += 4;
      if (packed > input.length - at) throw damaged();
      const made = lengthOfBlock(input.subarray(at, at + packed));
      if (made === 0 || made > rest) throw damaged();
      unpackLz4Block(input.subarray(at, at + packed), output.subarray(to, to + made));
      at += packed;
      to += made;
      rest -= made;
    }
  }
  if (at !== input.length) throw damaged();
}

/** Bytes that a block unpacks to. */
function lengthOfBlock(input: Uint8Array): number {
  let length = 0;
  for (let at = 0; at < input.length; ) {
    const token = input[at++];
    let literals = token >>> 4;
    if (literals === 15) {
      let byte: number;
      do literals += byte = input[at++] ?? 0;
      while (byte === 255);
    }
    at += literals;
    length += literals;
    if (at >= input.length) break;
    at += 2;
    let copied = (token & 15) + 4;
    if (copied === 19) {
      let byte: number;
      do copied += byte = input[at++] ?? 0;
      while (byte === 255);
    }
    length += copied;
  }
  return length;
}

function damaged() {
  return damagedParquet("a page is compressed with LZ4, and damaged");
}
