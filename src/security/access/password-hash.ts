import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

interface Parameters {
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelism: number;
}

/** A password's hash by scrypt (RFC 7914) with what it was made by. Plain data. */
export interface PasswordHash extends Parameters {
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

/** What new hashes are made by: 16 MiB and about 0.2 s of a core for each guess. */
const NEW: Parameters = { cost: 2 ** 14, blockSize: 8, parallelism: 5 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** Weaker ones are guessed too fast, and stronger ones cost the server more than a login may. */
const LEAST_COST = 2 ** 14;
const MOST_COST = 2 ** 17;
const MOST_BYTES = 128 * 2 ** 20;
const MOST_PARALLELISM = 16;

const TEXT = /^scrypt:(\d{1,7}):(\d{1,2}):(\d{1,2}):([A-Za-z0-9+/]+={0,2}):([A-Za-z0-9+/]+={0,2})$/;

/** What {@link parsePasswordHash} takes, in words. */
export const PASSWORD_HASH_FORM = `scrypt:N:r:p:SALT:HASH as modelport hash-password prints it, N a power of two from ${LEAST_COST} to ${MOST_COST}`;

/** Reads what {@link formatPasswordHash} wrote; undefined for anything else, and for parameters out of bounds. */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  const parts = TEXT.exec(text);
  if (parts === null) return undefined;
  const [cost, blockSize, parallelism] = parts.slice(1, 4).map(Number) as [number, number, number];
  const salt = bytesOf(parts[4]!);
  const hash = bytesOf(parts[5]!);
  const sized = salt.length >= 8 && salt.length <= 64 && hash.length >= 16 && hash.length <= 64;
  const power = Number.isInteger(Math.log2(cost)) && cost >= LEAST_COST && cost <= MOST_COST;
  const bounded = blockSize >= 1 && parallelism >= 1 && parallelism <= MOST_PARALLELISM && 128 * cost * blockSize <= MOST_BYTES;
  return sized && power && bounded ? { cost, blockSize, parallelism, salt, hash } : undefined;
}

/** The hash in one text, for a file of principals. */
export function formatPasswordHash({ cost, blockSize, parallelism, salt, hash }: PasswordHash): string {
  return ["scrypt", cost, blockSize, parallelism, base64(salt), base64(hash)].join(":");
}

/** A hash of the password with a salt of its own. */
export async function hashPassword(password: string, parameters: Partial<Parameters> = {}): Promise<PasswordHash> {
  const made = { ...NEW, ...parameters, salt: new Uint8Array(randomBytes(SALT_BYTES)) };
  return { ...made, hash: new Uint8Array(await derive(password, made, HASH_BYTES)) };
}

/** Whether the hash is of this password. Takes as long either way, on a thread of Node's pool. */
export async function isPasswordOf(password: string, known: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, known, known.hash.length), known.hash);
}

function derive(
  password: string,
  { cost, blockSize, parallelism, salt }: Omit<PasswordHash, "hash">,
  length: number,
): Promise<Buffer> {
  const options = { N: cost, r: blockSize, p: parallelism, maxmem: 2 * MOST_BYTES };
  return new Promise((resolve, reject) =>
    scrypt(password.normalize("NFC"), salt, length, options, (reason, hash) => (reason ? reject(reason) : resolve(hash))),
  );
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}
