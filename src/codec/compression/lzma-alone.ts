import { type Decoder, damagedPacking } from "./decoder.ts";
import { LzmaDecoder, lzmaProperties } from "./lzma.ts";

const HEADER_BYTES = 13;
/** Bytes that are made without letting others have their turn: about 3 ms. */
const TURN_BYTES = 1 << 16;
const UNKNOWN = 2n ** 64n - 1n;

/** Unpacks `.lzma`, the format before xz: a header, and LZMA to its end. It has no checksum. */
export const unLzma: Decoder = function* (input, output) {
  if (input.length < HEADER_BYTES) throw damagedPacking("lzma", "it breaks off");
  const header = new DataView(input.buffer, input.byteOffset, HEADER_BYTES);
  const properties = lzmaProperties(header.getUint8(0));
  if (properties === undefined) throw damagedPacking("lzma", "it has no properties");
  const announced = header.getBigUint64(5, true);
  const decoder = new LzmaDecoder("lzma", input, output, header.getUint32(1, true));
  decoder.setProperties(properties);
  decoder.resetState();
  decoder.begin(HEADER_BYTES, input.length);
  if (announced !== UNKNOWN && announced > output.left) output.room(Number(announced));
  const end = announced === UNKNOWN ? Number.POSITIVE_INFINITY : Number(announced);
  while (output.length < end) {
    // When no more may be made, the end may come all the same.
    const portion = Math.min(end - output.length, TURN_BYTES, Math.max(1, output.left));
    output.room(Math.min(portion, output.left));
    if (decoder.decode(output.length + portion)) {
      if (end !== Number.POSITIVE_INFINITY && output.length < end) throw damagedPacking("lzma", "it ends before its end");
      decoder.finish();
      return;
    }
    if (output.left < 0) output.room(0);
    yield;
  }
  if (decoder.hasBrokenOff) throw damagedPacking("lzma", "it breaks off");
  if (output.length > end) throw damagedPacking("lzma", "it is longer than it says");
};
