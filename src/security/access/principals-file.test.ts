import { describe, expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import { keyDigest } from "./key-digest.ts";
import { parsePrincipals } from "./principals-file.ts";

const HASH = `scrypt:16384:8:5:${Buffer.alloc(16, 7).toString("base64")}:${Buffer.alloc(32, 9).toString("base64")}`;
const KEY = `sha256:${Buffer.from(keyDigest("k")).toString("hex")}`;

test("users and keys are read, with the grant inference unless the file says otherwise", () => {
  const text = `users:\n- {name: ada, password: "${HASH}", grants: [admin, metrics]}\nkeys:\n- {name: ci, key: "${KEY}"}\n`;
  const { users, keys } = parsePrincipals(text);
  expect(users).toMatchObject([{ name: "ada", grants: ["admin", "metrics"], password: { cost: 16384, blockSize: 8 } }]);
  expect(keys).toEqual([{ name: "ci", grants: ["inference"], digest: keyDigest("k") }]);
});

test("JSON is read too", () => {
  expect(parsePrincipals(JSON.stringify({ keys: [{ name: "ci", key: KEY, grants: [] }] })).keys).toMatchObject([{ grants: [] }]);
});

test.each(["", "{}", "users: []"])("%j lets nobody in", (text) => {
  expect(parsePrincipals(text)).toEqual({ users: [], keys: [] });
});

describe("is refused with its place, and without what is there", () => {
  test.each([
    ["usrs: []", '1:1: "usrs" is not known here (did you mean users?)'],
    [`users:\n- {name: ada, pasword: s3cret}`, '2:15: "pasword" is not known here (did you mean password?)'],
    [`users:\n- {name: ada, password: s3cret}`, /^2:25: users\[0\]\.password: expected scrypt:N:r:p:SALT:HASH/],
    [`users:\n- {name: ada, password: 53}`, "2:25: users[0].password: expected a string"],
    [`users:\n- {name: ada, password: ""}`, /^2:25: users\[0\]\.password: expected scrypt/],
    [`keys:\n- {name: ci, key: ""}`, /^2:19: keys\[0\]\.key: expected sha256: and 64/],
    [`keys:\n- {name: "a:b", key: "${KEY}"}`, /^2:10: keys\[0\]\.name: expected 1 to 128 letters/],
    [`keys:\n- {name: ci, key: "${KEY}", grants: [root]}`, /keys\[0\]\.grants\[0\]: expected inference, admin, metrics$/],
    [`keys:\n- {name: ci, key: "${KEY}", grants: [admin, admin]}`, /keys\[0\]\.grants: a grant is there twice$/],
    [`keys:\n- {name: a, key: "${KEY}"}\n- {name: b, key: "${KEY}"}`, '3:18: keys "a" and "b" are the same key'],
    [`users:\n- {name: ci, password: "${HASH}"}\nkeys:\n- {name: ci, key: "${KEY}"}`, '4:10: the name "ci" is there twice'],
    ["- ada", "1:1: the file: expected a mapping"],
    ["keys: 5", "1:7: keys: expected a list"],
  ])("%j", (text, message) => {
    let refused: unknown;
    try {
      parsePrincipals(text);
    } catch (reason) {
      refused = reason;
    }
    expect(refused).toBeInstanceOf(ServingError);
    expect((refused as ServingError).message).toMatch(message);
    expect((refused as ServingError).message).not.toMatch(/s3cret|53/);
  });
});
