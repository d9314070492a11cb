import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import { MessageReader } from "./message-reader.ts";
import { framed } from "./test-peer.ts";

function read(chunks: readonly Uint8Array[], limit = 1000): { messages: string[]; incomplete: boolean } {
  const reader = new MessageReader(limit);
  const messages: string[] = [];
  for (const chunk of chunks) {
    reader.push(chunk, 0, chunk.length);
    for (let message = reader.next(); message !== undefined; message = reader.next()) {
      messages.push(`${message.compressed} ${Buffer.from(message.bytes).toString("hex")}`);
    }
  }
  return { messages, incomplete: reader.incomplete };
}

test("messages come out the same wherever they are split", () => {
  const message = fc.tuple(fc.uint8Array({ maxLength: 30 }), fc.constantFrom(0, 1));
  fc.assert(
    fc.property(fc.array(message, { maxLength: 4 }), fc.array(fc.nat(150), { maxLength: 6 }), (sent, cuts) => {
      const bytes = Buffer.concat(sent.map(([body, flag]) => framed(body, flag === 1)));
      const at = [0, ...cuts.filter((cut) => cut <= bytes.length).sort((a, b) => a - b), bytes.length];
      const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
      expect(read(chunks)).toEqual({
        messages: sent.map(([body, flag]) => `${flag === 1} ${Buffer.from(body).toString("hex")}`),
        incomplete: false,
      });
    }),
    { numRuns: 300 },
  );
});

test("a message inside one run is not copied", () => {
  const bytes = framed(Buffer.from("abc"));
  const reader = new MessageReader(10);
  reader.push(bytes, 0, bytes.length);
  expect(reader.next()!.bytes.buffer).toBe(bytes.buffer);
});

test("a message that has begun is incomplete", () => {
  const bytes = framed(Buffer.from("abc"));
  for (let cut = 1; cut < bytes.length; cut++) expect(read([bytes.subarray(0, cut)]).incomplete).toBe(true);
});

describe("faults are known from the prefix", () => {
  test.each([
    ["a length over the limit", framed(new Uint8Array(11)).subarray(0, 5), "resource-exhausted"],
    ["the largest length", Buffer.from([0, 255, 255, 255, 255]), "resource-exhausted"],
    ["an unknown flag", Buffer.from([2, 0, 0, 0, 0]), "internal"],
  ])("%s", (_, bytes, code) => {
    expect(() => read([bytes], 10)).toThrow(expect.objectContaining({ name: ServingError.name, code }));
  });
});
