import { ERROR_CODE } from "../../../src/transport/http2/error-code.ts";
import { HeadReader } from "../../../src/transport/http2/head-reader.ts";
import { HpackDecoder } from "../../../src/transport/http2/hpack-decoder.ts";
import { type HeaderFields, HpackEncoder, PreparedHeaders } from "../../../src/transport/http2/hpack-encoder.ts";
import { readRequestHead } from "../../../src/transport/http2/request-head.ts";
import { PlainHpackDecoder } from "../plain/hpack.ts";
import { agree, type FuzzTarget, type Outcome, plain } from "../target.ts";

const LIMITS = { maxBytes: 2048, maxCount: 24 };
/** Nothing is dropped under these. */
const NO_LIMITS = { maxBytes: 1 << 24, maxCount: 1 << 16 };

const WORDS: readonly (string | Uint8Array)[] = [
  "82",
  "84",
  "86",
  "be",
  "bf",
  "3fe11f",
  "20",
  "3f01",
  "3fe21f",
  "400161",
  "4001610162",
  "1001610162",
  "80",
  "ff",
  "ff80",
  "7f",
  "418cf1e3c2e5f23a6ba0ab90f4ff",
  "5886a8eb10649cbf",
  "ffffffff0f",
  "ffffffffff07",
  "84ffffffff",
  "821fff",
].map((hex) => Buffer.from(hex, "hex"));

/** Blocks with their length in one byte before each; the last may be shorter than it says. */
function blocksOf(input: Buffer): Buffer[] {
  const blocks: Buffer[] = [];
  for (let at = 0; at < input.length; at += 1 + input[at]!) blocks.push(input.subarray(at + 1, at + 1 + input[at]!));
  return blocks;
}

/** Header blocks of one connection: a plain decoder, and a reader that remembers blocks, see the same. */
export const hpackDecoder: FuzzTarget = {
  name: "hpack-decoder",
  dictionary: [...WORDS, ":method", "POST", ":path", "/v1", "content-type", "te", "trailers", "content-length", "12"],
  longest: 800,
  run(input): Outcome {
    const decoder = new HpackDecoder();
    const unlimited = new HpackDecoder();
    const reader = new HeadReader(LIMITS);
    const twin = new PlainHpackDecoder();
    const kinds = new Set<string>();
    for (const block of blocksOf(input)) {
      const expected = twin.decode(block);
      const all = unlimited.decode(block, 0, block.length, NO_LIMITS);
      const list = decoder.decode(block, 0, block.length, LIMITS);
      const head = reader.readHead(block, 0, block.length);
      if ("scope" in all) {
        agree(expected, undefined, `a block refused with "${all.message}"`);
        if (!("scope" in list) || typeof head === "string" || !("scope" in head)) throw new Error("limits change a fault");
        return { accepted: false, shape: plain(all.message) };
      }
      if (expected === undefined) throw new Error("a malformed block was read");
      agree(textOf(all.names, all.values), expected.map(([name, value]) => `${name}: ${value}`).join("\n"), "fields");
      if ("scope" in list) {
        agree(list.code, ERROR_CODE.enhanceYourCalm, "the code of a bomb");
        return { accepted: false, shape: plain(list.message) };
      }
      const size = expected.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
      agree(list.oversized, size > LIMITS.maxBytes || expected.length > LIMITS.maxCount, "oversized");
      if (list.names.length > LIMITS.maxCount) throw new Error("more fields than allowed");
      if (!list.oversized) agree(textOf(list.names, list.values), textOf(all.names, all.values), "fields under the limits");
      const wanted = readRequestHead(list);
      if (typeof head !== "string" && "scope" in head) throw new Error("a fault of the reader alone");
      agree(JSON.stringify(head), JSON.stringify(wanted), "the head");
      kinds.add(typeof wanted === "string" ? plain(wanted) : `${list.oversized} ${Math.sign(wanted.contentLength)}`);
    }
    return { accepted: true, shape: [...kinds].join() };
  },
};

function textOf(names: readonly string[], values: readonly string[]): string {
  return names.map((name, index) => `${name}: ${values[index]!}`).join("\n");
}

/** One block in three is one that an encoder remembers, with this many different ones. */
const PREPARED = 4;

/** What the encoder wrote is read back, with tables of any size. The input is the fields as lines, a blank line between blocks. */
export const hpackRoundTrip: FuzzTarget = {
  name: "hpack-round-trip",
  dictionary: [
    "\n",
    "\n\n",
    ": ",
    ":status: 200\n",
    "content-type: application/grpc\n",
    "grpc-status: 0\n",
    "grpc-message: ",
    "size: 0\n",
    "size: 4096\n",
  ],
  longest: 800,
  run(input): Outcome {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder();
    const prepared = new Map<string, PreparedHeaders>();
    const blocks = input.toString("latin1").split("\n\n");
    let references = 0;
    for (const block of blocks) {
      const fields: HeaderFields = block.split("\n").map((line) => {
        const colon = line.indexOf(":", 1);
        return colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 2)];
      });
      for (const [name, value] of fields) if (name === "size") encoder.setMaxTableSize(Number.parseInt(value, 10) >>> 0);
      const out = Buffer.alloc(encoder.bound(fields));
      let bytes: Uint8Array;
      if (block.length % 3 === 0 && (prepared.has(block) || prepared.size < PREPARED)) {
        const headers = prepared.get(block) ?? new PreparedHeaders(fields);
        prepared.set(block, headers);
        const remembered = encoder.remembered(headers);
        bytes = remembered ?? out.subarray(0, encoder.encodePrepared(headers, out, 0));
        if (remembered !== undefined) references++;
      } else bytes = out.subarray(0, encoder.encode(fields, out, 0));
      const list = decoder.decode(Buffer.from(bytes), 0, bytes.length, NO_LIMITS);
      if ("scope" in list) throw new Error(`what was encoded is refused: ${list.message}`);
      agree(textOf(list.names, list.values), fields.map(([name, value]) => `${name}: ${value}`).join("\n"), "fields");
    }
    return { accepted: true, shape: `${Math.min(blocks.length, 8)} ${Math.min(references, 4)}` };
  },
};
