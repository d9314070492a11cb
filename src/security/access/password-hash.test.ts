import { scryptSync } from "node:crypto";
import { expect, test } from "vitest";
import { formatPasswordHash, hashPassword, isPasswordOf, parsePasswordHash } from "./password-hash.ts";

const SALT = Buffer.alloc(16, 7).toString("base64");
const HASH = Buffer.alloc(32, 9).toString("base64");

test("a hash is of its password, in whichever form of Unicode, and of no other", async () => {
  const hash = await hashPassword("gr\u00fc\u00dfe", { parallelism: 1 });
  expect(await isPasswordOf("gr\u0075\u0308\u00dfe", hash)).toBe(true);
  expect(await isPasswordOf("gr\u00fc\u00dfe ", hash)).toBe(false);
  expect(parsePasswordHash(formatPasswordHash(hash))).toEqual(hash);
});

test("two hashes of a password differ", async () => {
  const [one, other] = [await hashPassword("p", { parallelism: 1 }), await hashPassword("p", { parallelism: 1 })];
  expect(formatPasswordHash(one)).not.toBe(formatPasswordHash(other));
});

test("a hash is what scrypt makes of the parameters in the text", async () => {
  const hash = scryptSync("s3cret", Buffer.from(SALT, "base64"), 32, { N: 16384, r: 8, p: 2, maxmem: 2 ** 27 });
  expect(await isPasswordOf("s3cret", parsePasswordHash(`scrypt:16384:8:2:${SALT}:${hash.toString("base64")}`)!)).toBe(true);
});

test.each([`scrypt:16384:8:5:${SALT}:${HASH}`, `scrypt:131072:8:1:${SALT}:${HASH}`])("%s is taken", (text) => {
  expect(parsePasswordHash(text)).toBeDefined();
});

test.each([
  "",
  "s3cret",
  `scrypt:8192:8:5:${SALT}:${HASH}`,
  `scrypt:16385:8:5:${SALT}:${HASH}`,
  `scrypt:262144:8:1:${SALT}:${HASH}`,
  `scrypt:131072:16:1:${SALT}:${HASH}`,
  `scrypt:16384:0:5:${SALT}:${HASH}`,
  `scrypt:16384:8:17:${SALT}:${HASH}`,
  `scrypt:16384:8:5:AAAA:${HASH}`,
  `scrypt:16384:8:5:${SALT}:AAAA`,
  `scrypt:16384:8:5:${SALT}:`,
  `bcrypt:16384:8:5:${SALT}:${HASH}`,
])("%j is refused", (text) => {
  expect(parsePasswordHash(text)).toBeUndefined();
});
