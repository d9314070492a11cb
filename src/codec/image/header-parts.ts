import { setImmediate } from "node:timers/promises";
import { ServingError } from "../../base/serving-error.ts";
import type { ImageFormat } from "./image-format.ts";

/** Most segments of a JPEG: the library keeps some hundred bytes for each of those that are none of the picture. */
const MOST_SEGMENTS = 10_000;

/** Most chunks of a WebP, an animation's pictures among them: the library's time grows with their square. */
const MOST_CHUNKS = 2000;

/** Most pages of a TIFF, all of which the library reads the tags of. */
const MOST_PAGES = 1000;

/** Most tags of a page: the library's time grows with their square. */
const MOST_TAGS_A_PAGE = 200;

/** Most tags of all pages. */
const MOST_TAGS = 30_000;

/** Most bytes of the values of all tags; those of several may be the same ones. */
const MOST_TAG_BYTES = 256 * 1024 * 1024;

/** Bytes of a value of each type of TIFF's; none of the type 0. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];

/** Bytes looked at before others have their turn: about a millisecond. */
const BYTES_A_TURN = 1024 * 1024;

/**
 * Counts what a file's headers are made of, before the library reads it all, for which it has no time limit. What is broken is left to
 * the library.
 *
 * Rejects with invalid-argument when there is more of it than any picture needs.
 */
export async function checkHeaderParts(bytes: Uint8Array, format: ImageFormat): Promise<void> {
  if (format === "JPEG") await checkSegments(bytes);
  else if (format === "TIFF") checkPages(bytes);
  else if (format === "WebP") checkChunks(bytes);
}

async function checkSegments(bytes: Uint8Array): Promise<void> {
  /** How many components the scan has that is the only one; undefined: there may be several, with segments between. */
  let components: number | undefined;
  let turn = BYTES_A_TURN;
  for (let at = 2, segments = 0; ; ) {
    const stop = Math.min(bytes.length - 4, turn);
    while (at < stop && bytes[at] !== 0xff) at++;
    if (at >= bytes.length - 4) return;
    if (at >= turn) {
      turn = at + BYTES_A_TURN;
      await setImmediate();
      continue;
    }
    const marker = bytes[at + 1]!;
    if (marker === 0xff) at++;
    else if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else {
      if (marker === 0xd9 || (marker === 0xda && bytes[at + 4] === components)) return;
      if (++segments > MOST_SEGMENTS) throw invalid(`it has more than ${MOST_SEGMENTS} segments`);
      if (marker === 0xc0 || marker === 0xc1) components = bytes[at + 9];
      at += 2 + bytes[at + 2]! * 256 + bytes[at + 3]!;
    }
  }
}

function checkChunks(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 12, chunks = 0; at + 8 <= bytes.length; chunks++) {
    if (chunks === MOST_CHUNKS) throw invalid(`it has more than ${MOST_CHUNKS} pictures and other chunks`);
    const length = view.getUint32(at + 4, true);
    at += 8 + length + (length % 2);
  }
}

function checkPages(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = bytes[0] === 0x49;
  let [tags, valueBytes] = [0, 0];
  let link = 4;
  for (let pages = 0; link + 4 <= bytes.length; pages++) {
    const page = view.getUint32(link, little);
    if (page === 0 || page + 2 > bytes.length) return;
    if (pages === MOST_PAGES) throw invalid(`it has more than ${MOST_PAGES} pages`);
    const count = view.getUint16(page, little);
    if (count > MOST_TAGS_A_PAGE) throw invalid(`its page ${pages} has ${count} tags, of at most ${MOST_TAGS_A_PAGE}`);
    tags += count;
    link = page + 2 + count * 12;
    if (tags > MOST_TAGS) throw invalid(`its pages have more than ${MOST_TAGS} tags`);
    for (let tag = page + 2; tag < link && tag + 8 <= bytes.length; tag += 12) {
      valueBytes += (TYPE_BYTES[view.getUint16(tag + 2, little)] ?? 8) * view.getUint32(tag + 4, little);
    }
    if (valueBytes > MOST_TAG_BYTES) throw invalid(`the tags of its pages have more than ${MOST_TAG_BYTES} bytes`);
  }
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
