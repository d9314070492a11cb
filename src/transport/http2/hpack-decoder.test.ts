import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ERROR_CODE } from "./error-code.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { decodeHuffman, huffmanBound } from "./huffman.ts";
import { HUFFMAN_CODES } from "./huffman-table.ts";

const LIMITS = { maxBytes: 16_384, maxCount: 128 };

function decode(decoder: HpackDecoder, hex: string, limits = LIMITS) {
  const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
  return decoder.decode(bytes, 0, bytes.length, limits);
}

function fields(decoder: HpackDecoder, hex: string): string[] {
  const list = decode(decoder, hex);
  if ("scope" in list) throw new Error(list.message);
  return list.names.map((name, index) => `${name}: ${list.values[index]!}`);
}

const REQUESTS = [
  [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
  [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
  [":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com", "custom-key: custom-value"],
];

const LATER = ["location: https://www.example.com"];
const RESPONSES = [
  [":status: 302", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:21 GMT", ...LATER],
  [":status: 307", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:21 GMT", ...LATER],
  [
    ":status: 200",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:22 GMT",
    ...LATER,
    "content-encoding: gzip",
    "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
  ],
];

describe("the examples of RFC 7541 appendix C", () => {
  test.each([
    ["C.2.1", "400a637573746f6d2d6b65790d637573746f6d2d686561646572", "custom-key: custom-header"],
    ["C.2.2", "040c2f73616d706c652f70617468", ":path: /sample/path"],
    ["C.2.3", "100870617373776f726406736563726574", "password: secret"],
    ["C.2.4", "82", ":method: GET"],
  ])("%s", (_, hex, field) => {
    expect(fields(new HpackDecoder(), hex)).toEqual([field]);
  });

  test.each([
    [
      "C.3",
      4096,
      REQUESTS,
      [
        "828684410f7777772e6578616d706c652e636f6d",
        "828684be58086e6f2d6361636865",
        "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
      ],
    ],
    [
      "C.4",
      4096,
      REQUESTS,
      ["828684418cf1e3c2e5f23a6ba0ab90f4ff", "828684be5886a8eb10649cbf", "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"],
    ],
    [
      "C.5, with evictions",
      256,
      RESPONSES,
      [
        "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
        "4803333037c1c0bf",
        "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
      ],
    ],
    [
      "C.6, with evictions",
      256,
      RESPONSES,
      [
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
        "4883640effc1c0bf",
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
      ],
    ],
  ] as const)("%s", (_, tableSize, expected, blocks) => {
    const decoder = new HpackDecoder(tableSize);
    expect(blocks.map((block) => fields(decoder, block))).toEqual(expected);
  });
});

describe("malformed blocks are COMPRESSION_ERROR", () => {
  test.each([
    ["index 0", "80"],
    ["an index outside the tables", "be"],
    ["a literal with a name outside the tables", "7f0061"],
    ["an integer cut short", "ff"],
    ["an integer that never ends", `ff${"80".repeat(20)}`],
    ["an integer above 2^31", "ffffffffff7f"],
    ["a string longer than the block", "000a61"],
    ["a literal without its value", "000161"],
    ["a table size above the allowed", "3fe21f"],
    ["a table size behind a field", "8220"],
    ["Huffman padding of eight bits", "000161 82 1fff"],
    ["Huffman padding of zeros", "000161 81 18"],
    ["Huffman EOS", "000161 84 ffffffff"],
  ])("%s", (_, hex) => {
    expect(decode(new HpackDecoder(), hex)).toMatchObject({ scope: "connection", code: ERROR_CODE.compressionError });
  });
});

test("an entry larger than the table empties it", () => {
  const decoder = new HpackDecoder();
  fields(decoder, "4001610162");
  expect(fields(decoder, "be")).toEqual(["a: b"]);
  fields(decoder, `3f01 4001 61 30${"62".repeat(48)}`); // table of 32 bytes, entry of 81
  expect(decode(decoder, "be")).toMatchObject({ code: ERROR_CODE.compressionError });
});

test("a table set to nothing and back forgets its entries", () => {
  const decoder = new HpackDecoder();
  fields(decoder, "4001610162");
  expect(decode(decoder, "203fe11fbe")).toMatchObject({ code: ERROR_CODE.compressionError });
});

test("a long run of insertions keeps the newest entries in reach", () => {
  const decoder = new HpackDecoder();
  for (let round = 0; round < 2000; round++) {
    const value = Buffer.from(String(round).padStart(4, "0")).toString("hex");
    fields(decoder, `40016104${value}`);
  }
  expect(fields(decoder, "be")).toEqual(["a: 1999"]);
  const inTable = Math.floor(4096 / (1 + 4 + 32));
  expect(fields(decoder, `ff${(61 + inTable - 127).toString(16).padStart(2, "0")}`)).toEqual([
    `a: ${String(2000 - inTable).padStart(4, "0")}`,
  ]);
  expect(decode(decoder, `ff${(62 + inTable - 127).toString(16).padStart(2, "0")}`)).toMatchObject({ scope: "connection" });
});

test("fields over the limits are dropped, and the table stays in step", () => {
  const decoder = new HpackDecoder();
  const list = decode(decoder, "4001610162 be be be", { maxBytes: 100, maxCount: 10 });
  expect(list).toMatchObject({ names: ["a", "a"], oversized: true });
  expect(decode(decoder, "be be be", { maxBytes: 1000, maxCount: 2 })).toMatchObject({ names: ["a", "a"], oversized: true });
  expect(fields(decoder, "be")).toEqual(["a: b"]);
});

test("a block of references to one large entry is stopped", () => {
  const decoder = new HpackDecoder();
  const insert = Buffer.concat([Buffer.from("4001617fa11e", "hex"), Buffer.alloc(4000, 0x62)]);
  expect(decoder.decode(insert, 0, insert.length, LIMITS)).toMatchObject({ oversized: false });
  const bomb = Buffer.alloc(16_000, 0xbe);
  expect(decoder.decode(bomb, 0, bomb.length, LIMITS)).toMatchObject({ code: ERROR_CODE.enhanceYourCalm });
});

/** The plain twin: codes bit by bit. */
function encodeHuffman(bytes: Uint8Array): Buffer {
  let bits = "";
  for (const byte of bytes) {
    const code = HUFFMAN_CODES[byte]!;
    bits += code.code.toString(2).padStart(code.bits, "0");
  }
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2)));
}

test("Huffman decoding undoes the code table for all octets", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const coded = encodeHuffman(bytes);
      const out = new Uint8Array(huffmanBound(coded.length));
      const length = decodeHuffman(coded, 0, coded.length, out);
      expect(out.subarray(0, length)).toEqual(bytes);
    }),
    { numRuns: 500 },
  );
  expect(HUFFMAN_CODES[256]).toEqual({ code: 0x3fffffff, bits: 30 });
});
