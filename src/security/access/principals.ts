import type { Grant } from "../../base/grant.ts";
import type { PasswordHash } from "./password-hash.ts";

/** Everybody a server knows. Plain data: can be sent to another thread. Names are unique among users and keys together. */
export interface Principals {
  readonly users: readonly User[];
  readonly keys: readonly Key[];
}

/** Somebody with a password. */
export interface User {
  readonly name: string;
  readonly grants: readonly Grant[];
  readonly password: PasswordHash;
}

/** Something with a random key, of which the server has the SHA-256 alone. */
export interface Key {
  readonly name: string;
  readonly grants: readonly Grant[];
  readonly digest: Uint8Array;
}
