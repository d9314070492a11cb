import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { temporaryFolders } from "../../base/test-folders.ts";
import { formatKeyDigest, keyDigest } from "./key-digest.ts";
import { isPasswordOf } from "./password-hash.ts";
import { PrincipalsWatch } from "./principals-watch.ts";

const folder = temporaryFolders();
const fileOf = (...names: readonly string[]) =>
  `keys: [${names.map((name) => `{name: ${name}, key: "${formatKeyDigest(keyDigest(name))}"}`).join(", ")}]`;

let file: string;
let passwordFile: string;
beforeEach(() => {
  const path = folder();
  file = join(path, "auth.yaml");
  passwordFile = join(path, "password");
  writeFileSync(file, fileOf("a"), { mode: 0o600 });
  writeFileSync(passwordFile, "s3cret\n", { mode: 0o600 });
});

const names = (watch: PrincipalsWatch) => [...watch.principals.users, ...watch.principals.keys].map(({ name }) => name);

describe("a file of principals", () => {
  test("is in force once it says the same at two looks", async () => {
    const watch = await PrincipalsWatch.open({ file, user: undefined });
    expect([names(watch), watch.exposed, await watch.look()]).toEqual([["a"], [], false]);
    writeFileSync(file, fileOf("b"));
    expect([await watch.look(), names(watch)]).toEqual([false, ["a"]]);
    expect([await watch.look(), names(watch)]).toEqual([true, ["b"]]);
    expect(await watch.look()).toBe(false);
  });

  test.each([
    ["is damaged", () => writeFileSync(file, "keys: [{name: a, key: s3cret}]"), /^--auth_file auth\.yaml:1:\d+: keys\[0\]\.key/],
    ["is gone", () => rmSync(file), "--auth_file auth.yaml is not there"],
  ])("that %s leaves what was in force", async (_case, harm, message) => {
    const watch = await PrincipalsWatch.open({ file, user: undefined });
    harm();
    await watch.look();
    for (let look = 0; look < 2; look++) {
      await expect(watch.look()).rejects.toMatchObject({ code: "failed-precondition", message: expect.stringMatching(message) });
    }
    expect(names(watch)).toEqual(["a"]);
    writeFileSync(file, fileOf("a", "b"));
    await watch.look();
    expect([await watch.look(), names(watch)]).toEqual([true, ["a", "b"]]);
  });

  test("that cannot be used at the start is refused", async () => {
    writeFileSync(file, "users: {}");
    await expect(PrincipalsWatch.open({ file, user: undefined })).rejects.toMatchObject({ code: "failed-precondition" });
    await expect(PrincipalsWatch.open({ file: folder(), user: undefined })).rejects.toThrow("is not a file");
  });

  test.skipIf(process.platform === "win32")("that others may read is told of", async () => {
    chmodSync(file, 0o640);
    expect((await PrincipalsWatch.open({ file, user: { name: "admin", passwordFile } })).exposed).toEqual([
      "--auth_file auth.yaml",
    ]);
  });
});

describe("the user of the flags", () => {
  test("has every grant, and the password of the flag", async () => {
    const [user] = (await PrincipalsWatch.open({ file: undefined, user: { name: "admin", password: "s3cret" } })).principals
      .users;
    expect(user).toMatchObject({ name: "admin", grants: ["inference", "admin", "metrics"] });
    expect(await isPasswordOf("s3cret", user!.password)).toBe(true);
  });

  test("gets another password when its file changes", async () => {
    const watch = await PrincipalsWatch.open({ file, user: { name: "admin", passwordFile } });
    expect(await isPasswordOf("s3cret", watch.principals.users[0]!.password)).toBe(true);
    writeFileSync(passwordFile, "another");
    await watch.look();
    expect(await watch.look()).toBe(true);
    expect(await isPasswordOf("another", watch.principals.users[0]!.password)).toBe(true);
    expect(names(watch)).toEqual(["admin", "a"]);
  });

  test.each([
    ["has an empty password file", () => writeFileSync(passwordFile, "\n"), "--auth_password_file password is empty"],
    ["is in the file as well", () => writeFileSync(file, fileOf("admin")), '--auth_file auth.yaml has the name "admin"'],
  ])("is refused when it %s", async (_case, harm, message) => {
    harm();
    await expect(PrincipalsWatch.open({ file, user: { name: "admin", passwordFile } })).rejects.toThrow(message);
  });
});
