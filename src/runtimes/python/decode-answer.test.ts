import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ARRAY_TYPES, type NumericDType } from "../../tensor/dtype.ts";
import { elementCount } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { stringTensor } from "../../tensor/tensor.ts";
import { decodeAnswer, payloadBytes } from "./decode-answer.ts";
import { copyParts, encodeRequest, requestFrame } from "./encode-request.ts";
import { FrameReader } from "./frame-reader.ts";
import { aligned, HEADER_BYTES, INLINE } from "./frames.ts";

const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
const numbers = fc
  .tuple(fc.constantFrom(...(Object.keys(ARRAY_TYPES) as NumericDType[])), shapes, fc.uint8Array({ minLength: 1, maxLength: 9 }))
  .map(([dtype, shape, seed]): Tensor => {
    const { array, width } = ARRAY_TYPES[dtype];
    const data = new array(elementCount(shape) * width);
    new Uint8Array(data.buffer).forEach((_, i, bytes) => {
      // The highest byte of a float is left alone: NaNs of other bits would be other values.
      bytes[i] = seed[i % seed.length]! & 0x3f;
    });
    return { dtype, shape, data };
  });
const texts = fc
  .tuple(fc.array(fc.string({ unit: "binary" }), { maxLength: 5 }), fc.boolean())
  .map(([values, nested]): Tensor => stringTensor(nested ? [1, values.length] : [values.length], values));
const named = fc
  .uniqueArray(fc.tuple(fc.string({ maxLength: 12, unit: "binary" }), fc.oneof(numbers, texts)), {
    selector: ([name]) => name,
    maxLength: 4,
  })
  .map((entries) => new Map(entries));

/** A request's body is laid out as an answer's. */
function roundTrip(tensors: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> {
  const request = encodeRequest(tensors, []);
  const payload = Buffer.alloc(request.payloadBytes);
  copyParts(request.parts, (piece, offset) => payload.set(piece, offset));
  expect(payloadBytes(request.table, request.tensors, request.tableBytes)).toBeLessThanOrEqual(payload.length);
  return decodeAnswer(request.table, request.tensors, request.tableBytes, payload);
}

test("what is encoded is decoded again, of every type, shape and name", () => {
  fc.assert(
    fc.property(named, (tensors) => {
      const found = roundTrip(tensors);
      expect([...found.keys()]).toEqual([...tensors.keys()]);
      for (const [name, { dtype, shape, data }] of tensors) {
        expect([found.get(name)!.dtype, found.get(name)!.shape]).toEqual([dtype, shape]);
        expect(found.get(name)!.data).toEqual(data);
      }
    }),
  );
});

test("strings that are a part of others are sent without the others", () => {
  const { data } = stringTensor([3], ["aa", "b", "cccc"]);
  const part = { length: 2, offsets: data.offsets.subarray(1), bytes: data.bytes };
  const tensor: Tensor = { dtype: "string", shape: [2], data: part };
  const found = roundTrip(new Map([["x", tensor]])).get("x")!;
  expect(found.data).toEqual(stringTensor([2], ["b", "cccc"]).data);
});

test.each([16, 1_000_000])(
  "a frame is the same in one piece and in many, joined up to %i bytes, whatever it is cut into",
  (joined) => {
    fc.assert(
      fc.property(named, fc.integer({ min: 1, max: 40 }), (tensors, step) => {
        const request = encodeRequest(tensors, [1, 2]);
        const frame = Buffer.concat(requestFrame(request, { number: 7, signature: 3, buffer: INLINE, reply: 9 }, joined));
        const seen: unknown[] = [];
        const reader = new FrameReader(1_000_000, (header, body) => {
          const payload = body.subarray(aligned(header.tableBytes));
          seen.push([header.number, header.signature, header.reply, header.wanted, payload.length]);
          seen.push(decodeAnswer(body, header.tensors, header.tableBytes, payload));
        });
        for (let at = 0; at < frame.length; at += step) reader.push(frame.subarray(at, at + step));
        expect(seen).toEqual([[7, 3, 9, 2, request.payloadBytes], roundTrip(tensors)]);
      }),
    );
  },
);

describe("an answer that is not what it says", () => {
  const { table, tensors, tableBytes } = encodeRequest(
    new Map([["x", { dtype: "int16", shape: [2], data: Int16Array.of(1, 2) }]]),
    [],
  );
  const changed = (at: number, value: number): Buffer => {
    const copy = Buffer.from(table);
    copy[at] = value;
    return copy;
  };

  test.each<[string, Buffer, number, number]>([
    ["more tensors than its table has", table, 2, 64],
    ["a table that is cut off", table, 1, 64],
    ["an unknown type", changed(2, 200), 1, 64],
    ["a size that is not its shape's", changed(24, 3), 1, 64],
    ["a place behind its end", changed(9, 255), 1, 64],
    ["no bytes", table, 1, 0],
  ])("is refused: %s", (what, bytes, count, length) => {
    const end = what === "a table that is cut off" ? tableBytes - 8 : tableBytes;
    expect(() => decodeAnswer(bytes, count, end, new Uint8Array(length))).toThrow("malformed");
  });

  test.each([
    ["do not begin at 0", [1, 1, 2]],
    ["go back", [0, 2, 1]],
    ["go too far", [0, 1, 300]],
  ])("is refused when places of strings %s", (_what, offsets) => {
    const strings = encodeRequest(new Map([["x", stringTensor([2], ["a", "b"])]]), []);
    const payload = new Uint8Array(64);
    payload.set(new Uint8Array(Uint32Array.from(offsets).buffer));
    expect(() => decodeAnswer(strings.table, tensors, strings.tableBytes, payload)).toThrow("malformed");
  });

  test("is refused before memory is taken for it", () => {
    const head = Buffer.alloc(HEADER_BYTES);
    head.writeUInt32LE(2 ** 32 - 1);
    expect(() => new FrameReader(1000, () => undefined).push(head)).toThrow("more than may come");
  });
});
