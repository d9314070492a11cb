import { expect, test } from "vitest";
import { pickleBytes } from "./pickle-bytes.ts";
import { PickleName, PickleObject, type PickleValue } from "./pickle-value.ts";

const made = (module: string, name: string, ...args: PickleValue[]) => new PickleObject(new PickleName(module, name), args);
const bytes = Uint8Array.of(1, 255);

test.each<[string, PickleValue]>([
  ["bytes", bytes],
  ["a text of Python 2's", "\x01\xff"],
  ["bytes of old protocols", made("_codecs", "encode", "\x01\xff", "latin1")],
  ["a bytearray of bytes", made("builtins", "bytearray", bytes)],
  ["a bytearray of a text", made("builtins", "bytearray", "\x01\xff", "latin-1")],
  ["a bytearray of bytes of old protocols", made("builtins", "bytearray", made("_codecs", "encode", "\x01\xff", "latin1"))],
])("%s are bytes", (_, value) => {
  expect(Buffer.from(pickleBytes(value)!)).toEqual(Buffer.from(bytes));
});

test("nothing is bytes too", () => {
  expect(pickleBytes(made("builtins", "bytes"))).toEqual(new Uint8Array(0));
});

test("what is within itself is no bytes", () => {
  const args: PickleValue[] = [];
  const loop = new PickleObject(new PickleName("builtins", "bytearray"), args);
  args.push(loop);
  expect(pickleBytes(loop)).toBeUndefined();
});

test.each<[string, PickleValue | undefined]>([
  ["a number", 7],
  ["nothing at all", undefined],
  ["another object", made("os", "system", "ls")],
  ["a text in another encoding", made("_codecs", "encode", "a", "rot13")],
  ["a list", [1, 2]],
])("%s is none", (_, value) => {
  expect(pickleBytes(value)).toBeUndefined();
});
