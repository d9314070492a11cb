import fc from "fast-check";
import { expect, test } from "vitest";
import { HpackDecoder } from "./hpack-decoder.ts";
import { type HeaderFields, HpackEncoder, PreparedHeaders } from "./hpack-encoder.ts";

const LIMITS = { maxBytes: 1 << 20, maxCount: 1000 };

function encode(encoder: HpackEncoder, fields: HeaderFields): Buffer {
  const out = Buffer.alloc(encoder.bound(fields));
  return out.subarray(0, encoder.encode(fields, out, 0));
}

function decoded(decoder: HpackDecoder, block: Buffer): [string, string][] {
  const list = decoder.decode(block, 0, block.length, LIMITS);
  if ("scope" in list) throw new Error(list.message);
  return list.names.map((name, index) => [name, list.values[index]!]);
}

const GRPC = [
  [":status", "200"],
  ["content-type", "application/grpc"],
  ["grpc-accept-encoding", "identity,gzip,deflate"],
] as const;

test("a repeated answer head shrinks to one byte a field", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder();
  const first = encode(encoder, GRPC);
  const second = encode(encoder, GRPC);
  expect(second.length).toBe(3);
  expect([decoded(decoder, first), decoded(decoder, second)]).toEqual([GRPC, GRPC]);
});

test("a prepared block is remembered until the table changes", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder();
  const block = new PreparedHeaders(GRPC);
  const out = Buffer.alloc(200);
  expect(encoder.remembered(block)).toBeUndefined();
  decoded(decoder, out.subarray(0, encoder.encodePrepared(block, out, 0)));
  expect(encoder.remembered(block)).toBeUndefined();
  decoded(decoder, out.subarray(0, encoder.encodePrepared(block, out, 0)));
  expect(decoded(decoder, Buffer.from(encoder.remembered(block)!))).toEqual(GRPC);
  decoded(decoder, encode(encoder, [["content-type", "text/plain"]]));
  expect(encoder.remembered(block)).toBeUndefined();
  expect(decoded(decoder, out.subarray(0, encoder.encodePrepared(block, out, 0)))).toEqual(GRPC);
});

test("a smaller table is announced before the next block and obeyed", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder();
  decoded(decoder, encode(encoder, GRPC));
  encoder.setMaxTableSize(0);
  encoder.setMaxTableSize(4096);
  const block = encode(encoder, GRPC);
  expect(block.subarray(0, 4).toString("hex")).toBe("203fe11f");
  expect(decoded(decoder, block)).toEqual(GRPC);
  expect(encode(encoder, GRPC).length).toBe(3);
});

const field = fc.tuple(
  fc.constantFrom(":status", "content-type", "content-encoding", "vary", "date", "grpc-message", "x-other"),
  fc.string({ unit: "binary-ascii", maxLength: 200 }),
);
const action = fc.oneof(
  fc.record({ fields: fc.array(field, { maxLength: 6 }) }),
  fc.record({ tableSize: fc.integer({ min: 0, max: 5000 }) }),
  fc.record({ prepared: fc.integer({ min: 0, max: 2 }) }),
);

test("whatever is encoded, in whatever order, decodes to the same fields", () => {
  const prepared = [
    GRPC,
    [["grpc-status", "0"]] as const,
    [
      ["vary", "accept"],
      ["x-other", "1"],
    ] as const,
  ].map((fields) => new PreparedHeaders(fields));
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder();
      for (const step of actions) {
        if ("tableSize" in step) encoder.setMaxTableSize(step.tableSize);
        else if ("fields" in step) expect(decoded(decoder, encode(encoder, step.fields))).toEqual(step.fields);
        else {
          const block = prepared[step.prepared]!;
          const out = Buffer.alloc(encoder.bound(block.fields));
          const bytes = encoder.remembered(block) ?? out.subarray(0, encoder.encodePrepared(block, out, 0));
          expect(decoded(decoder, Buffer.from(bytes))).toEqual(block.fields);
        }
      }
    }),
    { numRuns: 300 },
  );
});
