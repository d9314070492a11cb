import { createHash, randomBytes } from "node:crypto";

const KEY_BYTES = 32;
const TEXT = /^sha256:([0-9a-fA-F]{64})$/;

/** A new key: 256 random bits behind a mark that tells what it is, in characters that need no escape anywhere. */
export function newKey(): string {
  return `mp_${randomBytes(KEY_BYTES).toString("base64url")}`;
}

/** SHA-256 of a key. A key is random, so nobody finds it by guessing, however fast. */
export function keyDigest(key: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(key, "utf8").digest());
}

/** A digest in one text, for a file of principals. */
export function formatKeyDigest(digest: Uint8Array): string {
  return `sha256:${Buffer.from(digest).toString("hex")}`;
}

/** Reads what {@link formatKeyDigest} wrote; undefined for anything else. */
export function parseKeyDigest(text: string): Uint8Array | undefined {
  const hex = TEXT.exec(text)?.[1];
  return hex === undefined ? undefined : new Uint8Array(Buffer.from(hex, "hex"));
}
