import { execFileSync } from "node:child_process";
import { chown, link, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { resolveInside } from "./path-safety.ts";
import { ServingError } from "./serving-error.ts";

let folder: string;
let root: string;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "path-safety-")));
  root = join(folder, "model");
  await mkdir(join(root, "weights/deep"), { recursive: true });
  await mkdir(join(folder, "model-other"));
  await Promise.all(
    [
      "model/a.bin",
      "model/weights/b.bin",
      "model/weights/deep/c.bin",
      "model/..a",
      "model/%2e%2e",
      "secret",
      "model-other/x",
    ].map((name) => writeFile(join(folder, name), "data")),
  );
  await symlink("weights/b.bin", join(root, "inner-link"));
  await symlink("weights", join(root, "inner-folder"));
  await symlink("../secret", join(root, "out-link"));
  await symlink("..", join(root, "out-folder"));
  await symlink("/etc/passwd", join(root, "absolute-link"));
  await symlink("../model-other", join(root, "sibling"));
  await symlink("loop", join(root, "loop"));
  await symlink("out-link", join(root, "chain"));
  await symlink("nowhere", join(root, "dangling"));
  await link(join(root, "a.bin"), join(root, "own-hard-link"));
  execFileSync("mkfifo", [join(root, "fifo")]);
});

afterAll(() => rm(folder, { recursive: true }));

async function faultOf(name: string): Promise<string> {
  const reason: unknown = await resolveInside(root, name).then(
    () => "accepted",
    (error: unknown) => error,
  );
  if (typeof reason === "string") return reason;
  expect(reason).toBeInstanceOf(ServingError);
  expect((reason as ServingError).code).toBe("invalid-argument");
  expect((reason as ServingError).message).not.toContain(folder);
  return (reason as ServingError).message.replace(/^.*": /s, "");
}

describe("resolveInside", () => {
  test.each([
    ["a.bin", "a.bin"],
    ["./a.bin", "a.bin"],
    ["weights/b.bin", "weights/b.bin"],
    ["weights//b.bin", "weights/b.bin"],
    ["weights/./deep/c.bin", "weights/deep/c.bin"],
    ["inner-link", "weights/b.bin"],
    ["inner-folder/deep/c.bin", "weights/deep/c.bin"],
    ["own-hard-link", "own-hard-link"],
    ["..a", "..a"],
    ["%2e%2e", "%2e%2e"],
  ])("gives out %s", async (name, expected) => {
    expect(await resolveInside(root, name)).toBe(join(root, expected));
  });

  const dots = 'the name holds ".."';
  const backslash = "the name holds a backslash";
  const absolute = "the name is absolute";
  const out = "it leads out of the model's folder";
  const missing = "there is no such file";
  const irregular = "it is not a regular file";

  test.each([
    ["", "the name is empty"],
    [" ", "the name is empty"],
    ["..", dots],
    ["../secret", dots],
    ["../model/a.bin", dots],
    ["./../secret", dots],
    ["weights/..", dots],
    ["weights/../a.bin", dots],
    ["weights/../../secret", dots],
    ["weights//..//..//secret", dots],
    ["inner-folder/../../secret", dots],
    ["out-folder/../secret", dots],
    ["a.bin/..", dots],
    ["../../../../../../../../etc/passwd", dots],
    ["..\\secret", backslash],
    ["weights\\..\\..\\secret", backslash],
    ["weights\\b.bin", backslash],
    ["..\\/secret", backslash],
    ["\\\\host\\share\\x", backslash],
    ["C:\\windows\\system.ini", backslash],
    ["C:/windows/system.ini", absolute],
    ["c:secret", absolute],
    ["/", absolute],
    ["//", absolute],
    ["/etc/passwd", absolute],
    ["//etc/passwd", absolute],
    ["/dev/zero", absolute],
    ["/proc/self/environ", absolute],
    ["file:///etc/passwd", "the name is a URL"],
    ["https://host/x", "the name is a URL"],
    ["a.bin\0", "the name holds a NUL character"],
    ["a.bin\0.onnx", "the name holds a NUL character"],
    ["../\0secret", "the name holds a NUL character"],
    ["%2e%2e/secret", missing],
    ["%2e%2e%2fsecret", missing],
    ["%252e%252e%252fsecret", missing],
    ["..%2fsecret", missing],
    ["..%c0%afsecret", missing],
    ["....//secret", missing],
    ["．．/secret", missing],
    ["‥/secret", missing],
    ["~/secret", missing],
    ["$HOME/secret", missing],
    ["A.BIN.", missing],
    [".. /secret", missing],
    ["a.bin/x", missing],
    ["dangling", missing],
    ["out-link", out],
    ["chain", out],
    ["absolute-link", out],
    ["out-folder/secret", out],
    ["out-folder/model-other/x", out],
    ["sibling/x", out],
    ["out-folder", out],
    [".", out],
    ["./", out],
    ["loop", "it cannot be read"],
    ["weights", irregular],
    ["inner-folder", irregular],
    ["fifo", irregular],
    ["x".repeat(5000), "it cannot be read"],
  ])("refuses %j", async (name, fault) => {
    expect(await faultOf(name)).toBe(fault);
  });

  test("refuses a socket", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(root, "socket"), resolve));
    expect(await faultOf("socket")).toBe(irregular);
    await new Promise((resolve) => server.close(resolve));
  });

  test("finds its way when the folder itself is reached through a link", async () => {
    await symlink("model", join(folder, "current"));
    expect(await resolveInside(join(folder, "current"), "weights/b.bin")).toBe(join(root, "weights/b.bin"));
  });

  test.skipIf(process.getuid?.() !== 0)("refuses a hard link to a file of another owner", async () => {
    await writeFile(join(folder, "foreign"), "data");
    await link(join(folder, "foreign"), join(root, "foreign-link"));
    await chown(join(folder, "foreign"), 12345, 12345);
    expect(await faultOf("foreign-link")).toBe("it is a hard link to a file of another owner");
  });
});
