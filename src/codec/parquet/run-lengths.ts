import { damagedParquet } from "./damaged-parquet.ts";

/**
 * Reads numbers of `width` bits, each run either one number again and again or a number after the other, until `output` is full. The place
 * behind the last run is returned.
 *
 * @throws ServingError data-loss
 */
export function readRunLengths(bytes: Uint8Array, start: number, width: number, output: Int32Array | Uint8Array): number {
  if (width > 32) throw damagedParquet(`a page has numbers of ${width} bits`);
  const widthBytes = Math.ceil(width / 8);
  let at = start;
  let to = 0;
  while (to < output.length) {
    let head = 0;
    for (let scale = 1; ; scale *= 128) {
      if (at >= bytes.length || scale > 2 ** 28) throw breaksOff();
      const byte = bytes[at++];
      head += (byte & 127) * scale;
      if (byte < 128) break;
    }
    const count = Math.floor(head / 2);
    if (count === 0) throw damagedParquet("a page has a run of nothing");
    if (head % 2 === 0) {
      if (widthBytes > bytes.length - at) throw breaksOff();
      let value = 0;
      for (let i = 0; i < widthBytes; i++) value |= bytes[at + i] << (8 * i);
      at += widthBytes;
      const end = Math.min(output.length, to + count);
      output.fill(value, to, end);
      to = end;
      continue;
    }
    const length = count * width;
    if (length > bytes.length - at) throw breaksOff();
    unpackBits(bytes, at, width, output, to, Math.min(output.length, to + count * 8));
    to = Math.min(output.length, to + count * 8);
    at += length;
  }
  return at;
}

function unpackBits(
  bytes: Uint8Array,
  start: number,
  width: number,
  output: Int32Array | Uint8Array,
  from: number,
  end: number,
): void {
  if (width === 0) {
    output.fill(0, from, end);
    return;
  }
  let bit = 0;
  for (let i = from; i < end; i++, bit += width) {
    let value = 0;
    for (let done = 0; done < width; ) {
      const place = bit + done;
      const some = Math.min(8 - (place & 7), width - done);
      value |= ((bytes[start + (place >>> 3)] >>> (place & 7)) & ((1 << some) - 1)) << done;
      done += some;
    }
    output[i] = value;
  }
}

function breaksOff() {
  return damagedParquet("a page breaks off");
}
