import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { isPasswordOf, parsePasswordHash } from "../security/access/password-hash.ts";
import { hashPasswordCommand } from "./hash-password.ts";

async function hashOf(text: string): Promise<string> {
  let printed = "";
  await hashPasswordCommand(
    Readable.from([Buffer.from(text)]),
    (more) => (printed += more),
    () => {},
  );
  return printed;
}

test.each(["s3cret\n", "s3cret\r\n", "s3cret", "s3cret\nmore\n"])("%j is hashed up to the end of its line", async (text) => {
  const printed = await hashOf(text);
  expect(await isPasswordOf("s3cret", parsePasswordHash(printed.trimEnd())!)).toBe(true);
});

test.each(["", "\n"])("%j is no password", async (text) => {
  await expect(hashOf(text)).rejects.toMatchObject({ code: "invalid-argument" });
});
