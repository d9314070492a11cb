import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { deferred } from "../../base/deferred.ts";
import { GRANTS } from "../../base/grant.ts";
import type { Principal } from "../../transport/http-exchange.ts";
import { readCredentials } from "./credentials.ts";
import { FailureLimit } from "./failure-limit.ts";
import { keyDigest } from "./key-digest.ts";
import { isPasswordOf, type PasswordHash } from "./password-hash.ts";
import type { Principals } from "./principals.ts";

/** What became of credentials. */
export type Verified =
  | { readonly kind: "known"; readonly principal: Principal }
  /** Neither Basic nor Bearer. */
  | { readonly kind: "malformed" }
  /** `name` is that of a principal, when one was given. */
  | { readonly kind: "wrong"; readonly name: string | undefined }
  /** Too many failures of the address, or too many passwords to look at. */
  | { readonly kind: "limited"; readonly retryAfterSeconds: number };

/** Credentials remembered as good. */
const MOST_REMEMBERED = 4096;
/** Passwords looked at once, and those that wait for it: Node's pool has four threads for everybody. */
const AT_ONCE = 2;
const MOST_WAITING = 16;

/** What stands in for the hash of a name that is not there; nobody's password has it. */
const NOBODY: PasswordHash = {
  cost: 2 ** 14,
  blockSize: 8,
  parallelism: 5,
  salt: new Uint8Array(randomBytes(16)),
  hash: new Uint8Array(randomBytes(32)),
};

/**
 * Tells who sends an `Authorization` field. Passwords are looked at off the thread; what was found good is remembered, under a
 * keyed hash of the field, until the principals change. Wrong ones cost the same whoever they name.
 */
export class Verifier {
  readonly #clock: Clock;
  readonly #secret = randomBytes(32);
  readonly #limit = new FailureLimit();
  /** Apart from passwords: a job with an old key holds up nobody who logs in from the same address. */
  readonly #keyLimit = new FailureLimit();
  #principals: Principals = { users: [], keys: [] };
  /** Keys by their digest under the secret: where one lies in the map tells nobody anything. */
  #keys = new Map<string, Principals["keys"][number]>();
  #known = new Map<string, Principal>();
  /** Fields whose password is being looked at: a caller with many connections asks once. */
  #pending = new Map<string, Promise<Verified>>();
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whom it knows from now on; what it remembers of before is forgotten. */
  setPrincipals(principals: Principals): void {
    this.#principals = principals;
    this.#keys = new Map(principals.keys.map((key) => [this.#hidden(key.digest), key]));
    this.#known = new Map();
    this.#pending = new Map();
  }

  /** At once for what is remembered and for keys, otherwise once the password was looked at. Never rejects for what was sent. */
  verify(field: string, address: string | undefined): Verified | Promise<Verified> {
    const remembered = this.#keyOf(field);
    const known = this.#known.get(remembered);
    if (known !== undefined) return { kind: "known", principal: known };
    const credentials = readCredentials(field);
    if (credentials === undefined) return { kind: "malformed" };
    const { secret } = credentials;
    const name = credentials.kind === "basic" ? credentials.name : undefined;
    const key = this.#keyMatching(secret, name);
    if (key !== undefined) return this.#remember(remembered, key);
    const pending = this.#pending.get(remembered);
    if (pending !== undefined) return pending;
    const limit = name === undefined ? this.#keyLimit : this.#limit;
    const wait = limit.take(address, this.#clock.now());
    if (wait > 0) return { kind: "limited", retryAfterSeconds: wait };
    if (name === undefined) return { kind: "wrong", name };
    if (this.#waiting.length >= MOST_WAITING) {
      this.#limit.giveBack(address);
      return { kind: "limited", retryAfterSeconds: 1 };
    }
    const looked = this.#look(field, remembered, name, secret, address);
    this.#pending.set(remembered, looked);
    return looked;
  }

  async #look(field: string, remembered: string, name: string, secret: string, address: string | undefined): Promise<Verified> {
    const { users, keys } = this.#principals;
    const pendings = this.#pending;
    const user = users.find((each) => each.name === name);
    const right = await this.#inTurn(() => isPasswordOf(secret, user?.password ?? this.#standIn(name)));
    pendings.delete(remembered);
    // What was looked at may be no longer what is in force.
    if (pendings !== this.#pending) {
      this.#limit.giveBack(address);
      return this.verify(field, address);
    }
    if (!right || user === undefined) {
      const named = user !== undefined || keys.some((each) => each.name === name);
      return { kind: "wrong", name: named ? name : undefined };
    }
    this.#limit.giveBack(address);
    return this.#remember(remembered, user);
  }

  /** The key that was sent, whichever it is or that of a name. Takes as long for any number of keys. */
  #keyMatching(secret: string, name: string | undefined) {
    const digest = keyDigest(secret);
    const found = this.#keys.get(this.#hidden(digest));
    return found !== undefined && timingSafeEqual(found.digest, digest) && (name ?? found.name) === found.name
      ? found
      : undefined;
  }

  /** The parameters of one of the users, always the same for a name: it must not be told apart from theirs. */
  #standIn(name: string): PasswordHash {
    const { users } = this.#principals;
    if (users.length === 0) return NOBODY;
    const chosen = createHmac("sha256", this.#secret).update(name).digest().readUInt32LE(0) % users.length;
    return { ...users[chosen]!.password, hash: NOBODY.hash };
  }

  #remember(remembered: string, { name, grants }: Principals["keys"][number] | Principals["users"][number]): Verified {
    if (this.#known.size >= MOST_REMEMBERED) {
      const [oldest] = this.#known.keys();
      this.#known.delete(oldest!);
    }
    const principal = { name, grants: new Set(GRANTS.filter((grant) => grants.includes(grant))) };
    this.#known.set(remembered, principal);
    return { kind: "known", principal };
  }

  #hidden(digest: Uint8Array): string {
    return createHmac("sha256", this.#secret).update(digest).digest("base64");
  }

  #keyOf(field: string): string {
    return createHmac("sha256", this.#secret).update(field, "latin1").digest("base64");
  }

  async #inTurn<Result>(run: () => Promise<Result>): Promise<Result> {
    if (this.#running >= AT_ONCE) {
      const turn = deferred<void>();
      this.#waiting.push(() => turn.resolve());
      await turn.promise;
    } else {
      this.#running++;
    }
    try {
      return await run();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
