import { GRANTS, type Grant } from "../base/grant.ts";
import { ServingError } from "../base/serving-error.ts";
import { formatKeyDigest, keyDigest, newKey } from "../security/access/key-digest.ts";
import { parsePrincipals } from "../security/access/principals-file.ts";

/**
 * Makes a key and prints it with the entry that lets its owner in; the key itself is kept nowhere. Returns the exit code.
 * @throws ServingError invalid-argument for a name or grants that a file of principals cannot have
 */
export function newKeyCommand(name: string, grants: string, print: (text: string) => void): number {
  const granted = grants.split(",").map((grant) => grant.trim());
  const unknown = granted.find((grant) => !GRANTS.includes(grant as Grant));
  if (unknown !== undefined) {
    throw new ServingError("invalid-argument", `--grants expects some of ${GRANTS.join(",")}, got ${JSON.stringify(unknown)}`);
  }
  const key = newKey();
  const entry = `keys:\n  - name: ${JSON.stringify(name)}\n    key: ${formatKeyDigest(keyDigest(key))}\n    grants: [${granted.join(", ")}]\n`;
  try {
    parsePrincipals(entry);
  } catch (reason) {
    throw new ServingError(
      "invalid-argument",
      "the name of a key has 1 to 128 letters, digits and . _ @ + -, and each grant once",
      {
        cause: reason,
      },
    );
  }
  print(`${key}\n\n# For --auth_file; the key above is shown only now.\n${entry}`);
  return 0;
}
