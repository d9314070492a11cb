import { z } from "zod";
import { GRANTS } from "../../base/grant.ts";
import { ServingError } from "../../base/serving-error.ts";
import { ConfigTree } from "../../config/config-tree.ts";
import { nearestName } from "../../config/nearest-name.ts";
import { parseKeyDigest } from "./key-digest.ts";
import { PASSWORD_HASH_FORM, parsePasswordHash } from "./password-hash.ts";
import type { Principals } from "./principals.ts";

// Nothing may generate code at run time; zod would, for speed.
z.config({ jitless: true });

const MOST_ENTRIES = 10_000;

/** A user's name goes before the colon of Basic; nobody should have one that looks like another's. */
const name = z.string().regex(/^[A-Za-z0-9._@+-]{1,128}$/, "expected 1 to 128 letters, digits and . _ @ + -");

const grants = z
  .array(z.enum(GRANTS, `expected ${GRANTS.join(", ")}`))
  .refine((list) => new Set(list).size === list.length, "a grant is there twice")
  .default(["inference"])
  .readonly();

const FILE = record({
  users: z
    .array(record({ name, password: read(parsePasswordHash, PASSWORD_HASH_FORM), grants }))
    .max(MOST_ENTRIES)
    .default([]),
  keys: z
    .array(
      record({ name, key: read(parseKeyDigest, "sha256: and 64 hexadecimal digits, as modelport new-key prints it"), grants }),
    )
    .max(MOST_ENTRIES)
    .default([]),
});

/**
 * Reads a file of principals, YAML or JSON.
 * @throws ServingError invalid-argument with line and column; it says what was expected, and never what is there, which may be secret
 */
export function parsePrincipals(text: string): Principals {
  const tree = new ConfigTree(text);
  const result = FILE.safeParse(tree.value ?? {});
  if (!result.success) throw fault(tree, result.error.issues);
  const { users, keys } = result.data;
  const principals = {
    users,
    keys: keys.map(({ name: called, grants: granted, key }) => ({ name: called, grants: granted, digest: key })),
  };
  const path = (index: number) => (index < users.length ? ["users", index] : ["keys", index - users.length]);
  const seen = new Set<string>();
  for (const [index, each] of [...users, ...keys].entries()) {
    if (seen.has(each.name)) refuse(tree.place([...path(index), "name"]), `the name "${each.name}" is there twice`);
    seen.add(each.name);
  }
  const digests = new Map<string, string>();
  for (const [index, { name: called, key }] of keys.entries()) {
    const digest = Buffer.from(key).toString("base64");
    const other = digests.get(digest);
    if (other !== undefined) refuse(tree.place(["keys", index, "key"]), `keys "${other}" and "${called}" are the same key`);
    digests.set(digest, called);
  }
  return principals;
}

function record<Shape extends z.core.$ZodShape>(shape: Shape) {
  return z.strictObject(shape);
}

/** A text that `parse` makes something of. */
function read<Value>(parse: (text: string) => Value | undefined, form: string) {
  return z.string().transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: "custom", message: `expected ${form}` });
    return z.NEVER;
  });
}

/** The first fault, a misspelt member before the one that is missing for it. */
function fault(tree: ConfigTree, issues: readonly z.core.$ZodIssue[]): ServingError {
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0]!;
  const path = issue.path as (string | number)[];
  if (issue.code === "unrecognized_keys") {
    const unknown = issue.keys[0]!;
    const known = path.length === 0 ? ["users", "keys"] : ["name", path[0] === "users" ? "password" : "key", "grants"];
    const nearest = nearestName(unknown, known);
    const hint = nearest === undefined ? `known: ${known.join(", ")}` : `did you mean ${nearest}?`;
    return placed(tree.place([...path, unknown], "key"), `"${unknown.slice(0, 40)}" is not known here (${hint})`);
  }
  const what = issue.code === "invalid_type" ? `expected ${article(issue.expected)}` : issue.message;
  return placed(tree.place(path), `${nameOf(path)}: ${what}`);
}

function article(type: string): string {
  return type === "array" ? "a list" : type === "object" ? "a mapping" : `a ${type}`;
}

function nameOf(path: readonly (string | number)[]): string {
  const text = path.map((step, index) => (typeof step === "number" ? `[${step}]` : `${index === 0 ? "" : "."}${step}`)).join("");
  return text === "" ? "the file" : text;
}

function refuse(place: string, message: string): never {
  throw placed(place, message);
}

function placed(place: string, message: string): ServingError {
  return new ServingError("invalid-argument", `${place}: ${message}`);
}
