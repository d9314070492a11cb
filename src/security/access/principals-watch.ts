import { open } from "node:fs/promises";
import { basename } from "node:path";
import { GRANTS } from "../../base/grant.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { AccessOptions } from "../../config/access-options.ts";
import { hashPassword, isPasswordOf, type PasswordHash } from "./password-hash.ts";
import type { Principals } from "./principals.ts";
import { parsePrincipals } from "./principals-file.ts";

/** Far more than ten thousand entries need. */
const MAX_BYTES = 4 * 1024 * 1024;

/** What a file says, and whether others than its owner may read it. */
interface Source {
  readonly name: string;
  readonly text: string;
  readonly exposed: boolean;
}

interface Look {
  /** Tells what the files say from what they said before. */
  readonly text: string;
  readonly file: Source | undefined;
  readonly password: Source | undefined;
}

/**
 * Everybody a server knows, kept in step with the files that say so. Files are compared by what they say. What is in force changes
 * only to what can be read whole and is well formed.
 */
export class PrincipalsWatch {
  readonly #options: AccessOptions;
  #principals: Principals = { users: [], keys: [] };
  #exposed: readonly string[] = [];
  #seen = "";
  #inForce = "";
  #refused: { readonly text: string; readonly reason: unknown } | undefined;
  #hashed: PasswordHash | undefined;

  private constructor(options: AccessOptions) {
    this.#options = options;
  }

  /** Reads the files for the first time. Rejects with a ServingError failed-precondition that names the flag and the file at fault. */
  static async open(options: AccessOptions): Promise<PrincipalsWatch> {
    const watch = new PrincipalsWatch(options);
    const look = await watch.#lookAt();
    watch.#seen = look.text;
    await watch.#take(look);
    return watch;
  }

  get principals(): Principals {
    return this.#principals;
  }

  /** Files, by flag and name, that others than their owner may read. */
  get exposed(): readonly string[] {
    return this.#exposed;
  }

  /**
   * Looks at the files again; to be called every second or so. True when other principals are in force from now on, of files that
   * said the same at two looks in a row: one that is being written may end in the middle. Rejects with a ServingError as long as
   * the files cannot be used; what is in force stays.
   */
  async look(): Promise<boolean> {
    const look = await this.#lookAt().catch((reason: unknown) => ({ text: ServingError.from(reason).message, reason }));
    const settled = look.text === this.#seen;
    this.#seen = look.text;
    if (!settled || look.text === this.#inForce) return false;
    if (this.#refused?.text === look.text) throw this.#refused.reason;
    try {
      if ("reason" in look) throw look.reason;
      await this.#take(look);
      return true;
    } catch (reason) {
      this.#refused = { text: look.text, reason };
      throw reason;
    }
  }

  async #lookAt(): Promise<Look> {
    const { file, user } = this.#options;
    const optional = (flag: string, path: string | undefined) => (path === undefined ? undefined : read(flag, path));
    const [principals, password] = await Promise.all([
      optional("--auth_file", file),
      optional("--auth_password_file", user?.passwordFile),
    ]);
    return { text: JSON.stringify([principals?.text, password?.text]), file: principals, password };
  }

  async #take({ text, file, password }: Look): Promise<void> {
    const { users, keys } = file === undefined ? { users: [], keys: [] } : parseNamed(file);
    const { user } = this.#options;
    if (user === undefined) {
      this.#principals = { users, keys };
    } else {
      if ([...users, ...keys].some(({ name }) => name === user.name)) {
        refuse(`${file?.name} has the name "${user.name}", which --auth_username has too; choose another`);
      }
      const plain = password === undefined ? user.password! : firstLine(password);
      this.#hashed = await this.#hashOf(plain);
      this.#principals = { users: [...users, { name: user.name, grants: GRANTS, password: this.#hashed }], keys };
    }
    this.#exposed = [file, password].flatMap((source) => (source?.exposed === true ? [source.name] : []));
    this.#inForce = text;
    this.#refused = undefined;
  }

  /** The hash of before, as long as it is this password's: what callers are remembered by does not change with the other file. */
  async #hashOf(plain: string): Promise<PasswordHash> {
    const before = this.#hashed;
    return before !== undefined && (await isPasswordOf(plain, before)) ? before : await hashPassword(plain);
  }
}

function parseNamed({ name, text }: Source): Principals {
  try {
    return parsePrincipals(text);
  } catch (reason) {
    return refuse(`${name}:${ServingError.from(reason).message}`, reason);
  }
}

/** An editor ends the last line of a file; a password does not end in a line break. */
function firstLine({ name, text }: Source): string {
  const plain = text.replace(/\r?\n$/, "");
  return plain === "" ? refuse(`${name} is empty, expected a password`) : plain;
}

async function read(flag: string, path: string): Promise<Source> {
  const name = `${flag} ${basename(path)}`;
  const file = await open(path, "r").catch((reason: NodeJS.ErrnoException) =>
    refuse(`${name} ${reason.code === "ENOENT" ? "is not there" : `cannot be read (${reason.code})`}`, reason),
  );
  try {
    const stat = await file.stat();
    if (!stat.isFile()) refuse(`${name} is not a file`);
    if (stat.size > MAX_BYTES) refuse(`${name} has ${stat.size} bytes, expected ${MAX_BYTES} at most`);
    const exposed = process.platform !== "win32" && (stat.mode & 0o077) !== 0;
    return { name, text: await file.readFile("utf8"), exposed };
  } finally {
    await file.close();
  }
}

function refuse(message: string, cause?: unknown): never {
  throw new ServingError("failed-precondition", message, { cause });
}
