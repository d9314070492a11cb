/** What a client's frames say, for input in which no fault was found: the preface is over, and blocks are never interrupted. */

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

const PREFACE_BYTES = 24;
const HEADER_BYTES = 9;
const PADDED = 8;
const PRIORITY = 32;

/** Whole frames, one after the other; the rest is not there yet. */
function framesOf(input: Buffer): { readonly frames: readonly Frame[]; readonly rest: Buffer } {
  const frames: Frame[] = [];
  let at = PREFACE_BYTES;
  while (at + HEADER_BYTES <= input.length) {
    const end = at + HEADER_BYTES + input.readUIntBE(at, 3);
    if (end > input.length) break;
    const streamId = input.readUInt32BE(at + 5) & 0x7fffffff;
    frames.push({ type: input[at + 3]!, flags: input[at + 4]!, streamId, payload: input.subarray(at + HEADER_BYTES, end) });
    at = end;
  }
  return { frames, rest: input.subarray(at) };
}

/** A payload without its padding, as DATA and HEADERS may have it. */
function unpadded({ flags, payload }: Frame): Buffer {
  return (flags & PADDED) === 0 ? payload : payload.subarray(1, payload.length - payload[0]!);
}

/** The bytes of DATA in order, those of an unfinished frame included; and of each header block. */
export function plainFrames(input: Buffer): { readonly data: string; readonly blocks: readonly string[] } {
  let data = "";
  const blocks: string[] = [];
  let block = "";
  const { frames, rest } = framesOf(input);
  for (const frame of frames) {
    const { type, flags } = frame;
    if (type === 0) data += unpadded(frame).toString("latin1");
    if (type !== 1 && type !== 9) continue;
    const content = type === 9 ? frame.payload : unpadded(frame).subarray((flags & PRIORITY) === 0 ? 0 : 5);
    block += content.toString("latin1");
    if ((flags & 4) === 0) continue;
    blocks.push(block);
    block = "";
  }
  return { data: data + unfinishedData(rest), blocks };
}

function unfinishedData(rest: Buffer): string {
  if (rest.length <= HEADER_BYTES || rest[3] !== 0) return "";
  const length = rest.readUIntBE(0, 3);
  const padded = (rest[4]! & PADDED) !== 0;
  const padding = padded ? rest[HEADER_BYTES]! : 0;
  const start = HEADER_BYTES + (padded ? 1 : 0);
  return rest.toString("latin1", start, HEADER_BYTES + length - padding);
}
