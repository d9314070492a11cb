/** Failures of one address at once, and milliseconds after which another is allowed. */
const BURST = 10;
const REFILL_MS = 6000;
/** Addresses remembered; the one seen least lately is forgotten for a new one. */
const MOST_ADDRESSES = 4096;

interface Bucket {
  tokens: number;
  since: number;
}

/** How often each address may fail: ten times at once, then ten times a minute. Pure: the caller brings the time in milliseconds. */
export class FailureLimit {
  readonly #buckets = new Map<string, Bucket>();

  /** Takes one attempt of an address; 0 when there was one, else how many seconds it is until the next. */
  take(address: string | undefined, now: number): number {
    const key = networkOf(address);
    const known = this.#buckets.get(key);
    const bucket = known ?? { tokens: BURST, since: now };
    const refilled = Math.min(BURST, bucket.tokens + Math.max(0, now - bucket.since) / REFILL_MS);
    bucket.since = now;
    const taken = refilled >= 1;
    bucket.tokens = taken ? refilled - 1 : refilled;
    this.#buckets.delete(key);
    if (known === undefined && this.#buckets.size >= MOST_ADDRESSES) {
      const [oldest] = this.#buckets.keys();
      this.#buckets.delete(oldest!);
    }
    this.#buckets.set(key, bucket);
    return taken ? 0 : Math.max(1, Math.ceil(Math.round((1 - bucket.tokens) * REFILL_MS) / 1000));
  }

  /** Gives back an attempt that was no failure. */
  giveBack(address: string | undefined): void {
    const bucket = this.#buckets.get(networkOf(address));
    if (bucket !== undefined) bucket.tokens = Math.min(BURST, bucket.tokens + 1);
  }
}

/** What an address is counted as: an IPv4 address is itself, of an IPv6 address its /64, which one machine has whole. */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return "local";
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("%")[0]!.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0");
  return [...left, ...zeros, ...right].slice(0, 4).join(":");
}
