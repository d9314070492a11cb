import { ServingError } from "../../base/serving-error.ts";
import { type BmpHeader, lowestBit } from "./bmp-header.ts";
import { nextTurn, PIXELS_A_TURN } from "./next-turn.ts";
import type { RawImage } from "./raw-image.ts";

/**
 * The pixels of a bitmap file whose header was read; with alpha where it has a mask for that. Channels of fewer than 8 bits are spread
 * over 0 to 255, rounded down. The caller has bounded the size.
 *
 * Rejects with invalid-argument when the pixels end early or name a colour that there is not, and with the signal's reason once it aborts.
 */
export async function readBmp(bytes: Uint8Array, header: BmpHeader, signal: AbortSignal): Promise<RawImage> {
  const { width, height } = header;
  const stride = header.runLengths ? width : Math.ceil((width * header.bitsPerPixel) / 32) * 4;
  const packed = header.runLengths ? unpackRuns(bytes.subarray(header.offset), width, height) : bytes.subarray(header.offset);
  if (packed.length < stride * height) throw invalid("its pixels end early");
  const channels = header.masks[3] === 0 ? 3 : 4;
  const data = new Uint8Array(width * height * channels);
  const readRow = rowReader(header, packed, data);
  let sinceTurn = 0;
  for (let y = 0; y < height; y++) {
    readRow((header.topDown ? y : height - 1 - y) * stride, y * width * channels);
    sinceTurn += width;
    if (sinceTurn >= PIXELS_A_TURN) {
      sinceTurn = 0;
      await nextTurn(signal);
    }
  }
  return { width, height, channels, data };
}

/** Reads the row that starts at `from` in `packed` to `to` in `data`. */
type RowReader = (from: number, to: number) => void;

function rowReader(header: BmpHeader, packed: Uint8Array, data: Uint8Array): RowReader {
  const { width, bitsPerPixel } = header;
  if (bitsPerPixel <= 8) return paletteRows(header, packed, data);
  if (bitsPerPixel !== 24) return maskedRows(header, packed, data);
  return (from, to) => {
    for (let x = 0; x < width; x++, from += 3, to += 3) {
      data[to] = packed[from + 2];
      data[to + 1] = packed[from + 1];
      data[to + 2] = packed[from];
    }
  };
}

function paletteRows(header: BmpHeader, packed: Uint8Array, data: Uint8Array): RowReader {
  const { width, bitsPerPixel: bits, palette, paletteEntryBytes } = header;
  const perByte = 8 / bits;
  const mask = 2 ** bits - 1;
  return (from, to) => {
    for (let x = 0; x < width; x++, to += 3) {
      const shift = 8 - bits * (1 + (x % perByte));
      const colour = ((packed[from + Math.floor(x / perByte)] >>> shift) & mask) * paletteEntryBytes;
      if (colour >= palette.length) throw invalid("a pixel names a colour that it does not have");
      data[to] = palette[colour + 2];
      data[to + 1] = palette[colour + 1];
      data[to + 2] = palette[colour];
    }
  };
}

function maskedRows({ width, bitsPerPixel, masks }: BmpHeader, packed: Uint8Array, data: Uint8Array): RowReader {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const present = masks
    .filter((mask) => mask !== 0)
    .map((mask) => ({ mask, low: lowestBit(mask), most: mask / lowestBit(mask) }));
  return (from, to) => {
    for (let x = 0; x < width; x++) {
      const pixel = bitsPerPixel === 16 ? view.getUint16(from + 2 * x, true) : view.getUint32(from + 4 * x, true);
      for (const { mask, low, most } of present) data[to++] = Math.floor(((((pixel & mask) >>> 0) / low) * 255) / most);
    }
  };
}

const END_OF_ROW = 0;
const END_OF_IMAGE = 1;
const MOVE = 2;

/** The indexes of colours that run lengths stand for, a byte each; 0 where they name none. */
function unpackRuns(bytes: Uint8Array, width: number, height: number): Uint8Array {
  const indexes = new Uint8Array(width * height);
  let x = 0;
  let y = 0;
  for (let at = 0; at + 1 < bytes.length; ) {
    const count = bytes[at];
    const value = bytes[at + 1];
    at += 2;
    if (count === 0 && value === END_OF_IMAGE) return indexes;
    if (count === 0 && value === END_OF_ROW) {
      x = 0;
      y++;
    } else if (count === 0 && value === MOVE) {
      if (at + 1 >= bytes.length) break;
      x += bytes[at];
      y += bytes[at + 1];
      at += 2;
    } else {
      const length = count || value;
      if (y >= height || x + length > width) throw invalid("its runs leave the image");
      if (count > 0) indexes.fill(value, y * width + x, y * width + x + length);
      else {
        if (at + length > bytes.length) break;
        indexes.set(bytes.subarray(at, at + length), y * width + x);
        at += length + (length % 2);
      }
      x += length;
    }
    if (x > width || y > height) throw invalid("its runs leave the image");
  }
  throw invalid("its pixels end early");
}

function invalid(rest: string): ServingError {
  return new ServingError("invalid-argument", `the BMP data is not right: ${rest}`);
}
