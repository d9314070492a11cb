import fc from "fast-check";
import { expect, test } from "vitest";
import { HeadReader } from "./head-reader.ts";
import type { RequestHead } from "./request-head.ts";

const LIMITS = { maxBytes: 16_384, maxCount: 128 };

function read(reader: HeadReader, hex: string): RequestHead {
  const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
  const head = reader.readHead(bytes, 0, bytes.length);
  if (typeof head === "string") throw new Error(head);
  if ("scope" in head) throw new Error(head.message);
  return head;
}

test("equal blocks share a head while the table stays, and are read again when it changes", () => {
  const reader = new HeadReader(LIMITS);
  read(reader, "8386 84 40017801 31");
  const once = read(reader, "838684be");
  expect(read(reader, "838684be")).toBe(once);
  expect(once.values).toEqual(["1"]);
  read(reader, "8386 84 40017801 32");
  const later = read(reader, "838684be");
  expect(later).not.toBe(once);
  expect(later.values).toEqual(["2"]);
});

test("remembering never changes what is read", () => {
  const block = fc.constantFrom(
    "838684",
    "838684be",
    "838684bf",
    "8386 84 4001780131",
    "8386 84 4001780132",
    "8386 84 0001780133",
    "20 838684",
    "3fe11f 838684",
  );
  fc.assert(
    fc.property(fc.array(block, { maxLength: 30 }), (blocks) => {
      const reader = new HeadReader(LIMITS);
      const plain = new HeadReader({ ...LIMITS });
      for (const hex of blocks) {
        const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
        const head = reader.readHead(bytes, 0, bytes.length);
        const list = plain.readFields(bytes, 0, bytes.length);
        if (typeof head === "string") throw new Error(head);
        if ("scope" in head || "scope" in list) {
          expect("scope" in head && "scope" in list).toBe(true);
          return;
        }
        expect(head.values).toEqual(list.values.slice(3));
      }
    }),
    { numRuns: 500 },
  );
});
