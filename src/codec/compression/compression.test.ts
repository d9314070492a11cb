import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { unBzip2 } from "./bzip2.ts";
import { crc64 } from "./crc64.ts";
import { unpackInTurns } from "./decoder.ts";
import { unLz4 } from "./lz4-frame.ts";
import { unLzma } from "./lzma-alone.ts";
import { xxh32 } from "./xxh32.ts";
import { unXz } from "./xz.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures/compression");
const DECODERS = { bz2: unBzip2, xz: unXz, lzma: unLzma, lz4: unLz4 } as const;
const MOST = 1 << 24;

type Packing = keyof typeof DECODERS;

const bytesOf = (name: string) => readFileSync(join(FIXTURES, name));
const packingOf = (name: string) => name.slice(name.indexOf(".") + 1) as Packing;
const unpack = (name: string, bytes: Uint8Array = bytesOf(name), most = MOST) =>
  unpackInTurns(DECODERS[packingOf(name)], bytes, most);

/** What make_compressed.py compressed: words, runs and noise. */
function sample(length: number): Buffer {
  const parts: Buffer[] = [];
  let [state, made] = [1, 0];
  while (made < length) {
    state = Number((BigInt(state) * 1103515245n + 12345n) % 2n ** 31n);
    const kind = (state >>> 16) & 7;
    let part = Buffer.alloc(4);
    if (kind < 4) part = Buffer.from("estimator coef_ intercept_ ".repeat(1 + ((state >>> 20) & 3)));
    else if (kind < 7) part = Buffer.alloc(1 + ((state >>> 19) & 511), (state >>> 8) & 255);
    else part.writeUInt32LE(state);
    parts.push(part);
    made += part.length;
  }
  return Buffer.concat(parts).subarray(0, length);
}

const LARGE = sample(1_200_000);
const SMALL = LARGE.subarray(0, 3000);
const NOISE = Buffer.concat(
  Array.from({ length: 256 * 12 }, (_, i) =>
    createHash("sha256")
      .update(Buffer.of(Math.floor(i / 12), i % 12))
      .digest(),
  ),
);

describe("what other programs compressed is there again", () => {
  test.each([
    ["nine.bz2", LARGE],
    ["one.bz2", LARGE],
    ["streams.bz2", SMALL],
    ["small.bz2", SMALL],
    ["large.xz", LARGE],
    ["extreme.xz", LARGE],
    ["streams.xz", SMALL],
    ["unchecked.xz", SMALL],
    ["noise.xz", NOISE],
    ["properties.xz", SMALL],
    ["large.lzma", LARGE],
    ["small.lzma", SMALL],
    ["sized.lzma", SMALL],
    ["linked.lz4", LARGE],
    ["independent.lz4", LARGE],
    ["high.lz4", LARGE],
    ["stored.lz4", NOISE],
    ["frames.lz4", SMALL],
  ])("%s", async (name, wanted) => {
    expect(Buffer.from(await unpack(name)).equals(wanted)).toBe(true);
  });
});

const SMALL_FILES = [
  "small.bz2",
  "small.xz",
  "small.lzma",
  "small.lz4",
  "streams.bz2",
  "streams.xz",
  "sized.lzma",
  "properties.xz",
];

describe("a file that is cut off anywhere is refused", () => {
  test.each(SMALL_FILES)("%s", async (name) => {
    const whole = bytesOf(name);
    for (let i = 0; i < 200; i++) {
      const length = Math.floor((i * whole.length) / 200);
      const before = await unpack(name, whole.subarray(0, length)).catch((reason: unknown) => reason);
      // A whole stream is a file of its own; and what says its length may have all before its last bytes.
      if (before instanceof Uint8Array) expect(SMALL.subarray(0, name === "sized.lzma" ? 3000 : 1000).equals(before)).toBe(true);
      else expect(before).toMatchObject({ name: "ServingError", code: "data-loss" });
    }
  });
});

describe("a file with another bit is refused, or is the same", () => {
  test.each(SMALL_FILES)("%s", async (name) => {
    const whole = bytesOf(name);
    for (let i = 0; i < 300; i++) {
      const changed = Buffer.from(whole);
      const at = Math.floor((i * whole.length) / 300);
      changed[at] ^= 1 << (i % 8);
      const found = await unpack(name, changed).catch((reason: unknown) => reason);
      if (!(found instanceof Uint8Array)) {
        expect(found).toMatchObject({ name: "ServingError" });
        expect(["data-loss", "unimplemented", "resource-exhausted"]).toContain((found as { code: string }).code);
        // LZMA alone has no checksum, and what follows a stream of bzip2 is left alone.
      } else if (!name.endsWith(".lzma") && name !== "streams.bz2") expect(SMALL.equals(found)).toBe(true);
    }
  });
});

test.each([...SMALL_FILES, "noise.xz", "stored.lz4", "nine.bz2", "linked.lz4"])(
  "%s makes no more bytes than it may",
  async (name) => {
    const whole = await unpack(name);
    expect((await unpack(name, bytesOf(name), whole.length)).length).toBe(whole.length);
    await expect(unpack(name, bytesOf(name), whole.length - 1)).rejects.toMatchObject({
      code: "resource-exhausted",
      message: `it is compressed, and has more than ${whole.length - 1} bytes`,
    });
  },
);

test("filters of xz beside LZMA2 are refused, saying how to save", async () => {
  await expect(unpack("delta.xz")).rejects.toMatchObject({
    code: "unimplemented",
    message: "it is compressed with xz, and has a filter beside LZMA2 that is not read here: save it with xz's defaults",
  });
});

test("others have their turn meanwhile, and may stop it", async () => {
  const stop = new AbortController();
  setImmediate(() => stop.abort());
  await expect(unpackInTurns(unXz, bytesOf("large.xz"), MOST, stop.signal)).rejects.toMatchObject({ code: "cancelled" });
});

test.each([
  ["", 0x02cc5d05],
  ["a", 0x550d7456],
  ["Nobody inspects the spammish repetition", 0xe2293b2f],
])("the xxHash of %j is what xxHash says", (text, hash) => {
  expect(xxh32(Buffer.from(text))).toBe(hash);
});

test("the CRC-64 of 123456789 is that of ECMA-182, reflected", () => {
  expect(crc64(Buffer.from("123456789"))).toEqual({ high: 0x995dc9bb, low: 0xdf1939fa });
});
