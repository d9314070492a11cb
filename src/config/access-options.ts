import { ServingError } from "../base/serving-error.ts";

/** Who may call. Paths are absolute. */
export interface AccessOptions {
  /** Users and keys, reread when it changes. */
  readonly file: string | undefined;
  /** The one user of Simple TensorFlow Serving, who may do everything. */
  readonly user:
    | {
        readonly name: string /** Of this and the next, one is there. */;
        readonly password?: string;
        readonly passwordFile?: string;
      }
    | undefined;
}

/** The flags as they were written; see {@link resolveAccess}. */
export interface AccessFlags {
  isSet(name: string): boolean;
  boolean(name: string): boolean;
  text(name: string): string;
  list(name: string): readonly string[];
  /** An absolute path; undefined for an empty text. */
  path(name: string): string | undefined;
}

const NAME = /^[A-Za-z0-9._@+-]{1,128}$/;

/**
 * What the flags say of authentication; undefined when they want none. No message holds a password.
 * @throws ServingError invalid-argument for flags that contradict or lack each other
 */
export function resolveAccess(flags: AccessFlags): AccessOptions | undefined {
  const file = flags.path("auth_file");
  if (!flags.boolean("enable_auth")) {
    // Whoever says so means it, whatever else is written.
    if (flags.isSet("enable_auth")) {
      if (file !== undefined) refuse("--enable_auth=false and --auth_file contradict each other: leave one out");
      return undefined;
    }
    const lone = ["auth_username", "auth_password", "auth_password_file"].find(
      (name) => flags.isSet(name) && flags.text(name) !== "",
    );
    if (lone !== undefined) refuse(`--${lone} alone does not turn authentication on: set --enable_auth too, or leave it out`);
    return file === undefined ? undefined : { file, user: undefined };
  }
  const name = flags.text("auth_username");
  const password = flags.text("auth_password");
  const passwordFile = flags.path("auth_password_file");
  if (password !== "" && passwordFile !== undefined) {
    refuse("--auth_password and --auth_password_file exclude each other: the file is the better place");
  }
  if (!NAME.test(name)) refuse("--auth_username expects 1 to 128 letters, digits and . _ @ + -");
  if (passwordFile !== undefined) return { file, user: { name, passwordFile } };
  if (password !== "") return { file, user: { name, password } };
  if (file !== undefined && !flags.isSet("auth_username")) return { file, user: undefined };
  return refuse(
    "--enable_auth needs a password, and there is none by default: set --auth_password_file (or STFS_AUTH_PASSWORD), or give users in --auth_file",
  );
}

/** Which pages of other origins may call. */
export interface CorsFlags {
  readonly everyone: boolean;
  readonly origins: readonly string[];
}

/** @throws ServingError invalid-argument for what is no origin as browsers send it */
export function resolveCors(flags: AccessFlags): CorsFlags {
  const origins = flags.list("cors_allowed_origins");
  for (const origin of origins) {
    if (!URL.canParse(origin) || !/^https?:/.test(origin) || new URL(origin).origin !== origin) {
      refuse(
        `--cors_allowed_origins expects origins such as https://a.example or http://localhost:3000, without a path, got ${JSON.stringify(origin.slice(0, 200))}`,
      );
    }
  }
  return { everyone: flags.boolean("rest_api_enable_cors_support") || flags.boolean("enable_cors"), origins };
}

function refuse(message: string): never {
  throw new ServingError("invalid-argument", message);
}
