import { ServingError } from "../../base/serving-error.ts";

/** Which bits of a pixel hold a channel; 0 for a channel that it does not have. */
export type ChannelMasks = readonly [red: number, green: number, blue: number, alpha: number];

/** What a bitmap file says about its pixels. */
export interface BmpHeader {
  readonly width: number;
  readonly height: number;
  /** Whether the first row is the upper one; as a rule it is the lower one. */
  readonly topDown: boolean;
  readonly bitsPerPixel: 1 | 4 | 8 | 16 | 24 | 32;
  readonly runLengths: boolean;
  /** For 16 and 32 bits. */
  readonly masks: ChannelMasks;
  /** Colours as blue, green, red and one more byte, or three bytes; empty above 8 bits. */
  readonly palette: Uint8Array;
  readonly paletteEntryBytes: 3 | 4;
  /** Where the pixels start. */
  readonly offset: number;
}

const FILE_HEADER = 14;
const CORE_HEADER = 12;
/** Sizes of the headers since; each begins with the one before. */
const HEADERS: readonly number[] = [40, 52, 56, 108, 124];

const PLAIN = 0;
const RLE8 = 1;
const BIT_FIELDS = 3;

const MASKS_555: ChannelMasks = [0x7c00, 0x03e0, 0x001f, 0];
const MASKS_888: ChannelMasks = [0xff0000, 0x00ff00, 0x0000ff, 0];

/**
 * Reads the headers of a bitmap file (BMP) of 1, 4, 8, 16, 24 or 32 bits a pixel, without compression or with run lengths of 8 bits.
 * @throws ServingError invalid-argument for another kind, or headers that contradict each other or the file's length.
 */
export function readBmpHeader(bytes: Uint8Array): BmpHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < FILE_HEADER + CORE_HEADER) throw invalid("it ends within its headers");
  const headerBytes = view.getUint32(FILE_HEADER, true);
  const core = headerBytes === CORE_HEADER;
  if (!core && !HEADERS.includes(headerBytes)) throw invalid(`a header of ${headerBytes} bytes is not supported`);
  const afterHeader = FILE_HEADER + headerBytes;
  if (bytes.length < afterHeader) throw invalid("it ends within its headers");
  const width = core ? view.getUint16(18, true) : view.getInt32(18, true);
  const rows = core ? view.getUint16(20, true) : view.getInt32(22, true);
  const bits = view.getUint16(core ? 24 : 28, true);
  const compression = core ? PLAIN : view.getUint32(30, true);
  if (width <= 0 || rows === 0) throw invalid(`a size of ${width}x${rows} is not possible`);
  if (!isDepth(bits)) throw invalid(`${bits} bits a pixel are not supported`);
  const runLengths = compression === RLE8 && bits === 8 && rows > 0;
  const fields = compression === BIT_FIELDS && (bits === 16 || bits === 32);
  if (compression !== PLAIN && !runLengths && !fields) {
    throw invalid(`compression ${compression} of ${bits} bits a pixel is not supported`);
  }
  const masksAfter = fields && headerBytes === 40 ? 12 : 0;
  if (bytes.length < afterHeader + masksAfter) throw invalid("it ends within its headers");
  const paletteEntryBytes = core ? 3 : 4;
  const palette = paletteBytes(view, afterHeader, bits, core, paletteEntryBytes);
  const offset = view.getUint32(10, true);
  if (offset < afterHeader + masksAfter + palette || offset > bytes.length) throw invalid("its pixels are outside of it");
  return {
    width,
    height: Math.abs(rows),
    topDown: rows < 0,
    bitsPerPixel: bits,
    runLengths,
    masks: fields ? readMasks(view, headerBytes, bits) : bits === 16 ? MASKS_555 : MASKS_888,
    palette: bytes.subarray(afterHeader, afterHeader + palette),
    paletteEntryBytes,
    offset,
  };
}

function isDepth(bits: number): bits is BmpHeader["bitsPerPixel"] {
  return [1, 4, 8, 16, 24, 32].includes(bits);
}

function paletteBytes(view: DataView, start: number, bits: number, core: boolean, entryBytes: number): number {
  if (bits > 8) return 0;
  const declared = core ? 0 : view.getUint32(46, true);
  const entries = declared === 0 ? 2 ** bits : declared;
  if (entries > 2 ** bits) throw invalid(`it has ${entries} colours, of at most ${2 ** bits}`);
  if (start + entries * entryBytes > view.byteLength) throw invalid("it ends within its colours");
  return entries * entryBytes;
}

/** Masks follow a header of 40 bytes, and are at the same place in the larger ones; those from 56 bytes on have one for alpha. */
function readMasks(view: DataView, headerBytes: number, bits: number): ChannelMasks {
  const mask = (index: number) => view.getUint32(54 + 4 * index, true);
  const masks: ChannelMasks = [mask(0), mask(1), mask(2), headerBytes >= 56 ? mask(3) : 0];
  let taken = 0;
  for (const [index, bitsOfChannel] of masks.entries()) {
    const shifted = bitsOfChannel / lowestBit(bitsOfChannel);
    const whole = bitsOfChannel === 0 ? index === 3 : Number.isInteger(Math.log2(shifted + 1)) && bitsOfChannel < 2 ** bits;
    if (!whole || (taken & bitsOfChannel) !== 0) throw invalid("its channel masks are not right");
    taken |= bitsOfChannel;
  }
  return masks;
}

/** The value of the lowest bit that is set; 1 where none is. */
export function lowestBit(mask: number): number {
  return mask === 0 ? 1 : (mask & -mask) >>> 0;
}

function invalid(rest: string): ServingError {
  return new ServingError("invalid-argument", `the BMP data is not right: ${rest}`);
}
