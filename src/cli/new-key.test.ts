import { expect, test } from "vitest";
import { keyDigest } from "../security/access/key-digest.ts";
import { parsePrincipals } from "../security/access/principals-file.ts";
import { newKeyCommand } from "./new-key.ts";

test("prints a key and an entry that lets its owner in", () => {
  let printed = "";
  expect(newKeyCommand("ci.nightly", "inference, metrics", (text) => (printed += text))).toBe(0);
  const [key = ""] = printed.split("\n");
  expect(key).toMatch(/^mp_[A-Za-z0-9_-]{43}$/);
  const entry = printed.slice(printed.indexOf("#"));
  expect(entry).not.toContain(key);
  expect(parsePrincipals(entry).keys).toEqual([{ name: "ci.nightly", grants: ["inference", "metrics"], digest: keyDigest(key) }]);
});

test.each([
  ["ci", "root", '--grants expects some of inference,admin,metrics, got "root"'],
  ["ci", "", '--grants expects some of inference,admin,metrics, got ""'],
  ["ci", "admin,admin", "the name of a key has 1 to 128 letters"],
  ["a: b", "admin", "the name of a key has 1 to 128 letters"],
])("%j with the grants %j is refused", (name, grants, message) => {
  expect(() => newKeyCommand(name, grants, () => {})).toThrow(message);
});
