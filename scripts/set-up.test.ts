import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
// @ts-expect-error The scripts run before anything is built or installed, so they are plain JavaScript without types.
import { buildFingerprint, matchesLock, supportsNode } from "./set-up.mjs";

test.each([
  ["18.20.4", false],
  ["20.18.3", false],
  ["20.19.0", true],
  ["21.7.3", false],
  ["22.11.0", false],
  ["22.12.0", true],
  ["23.11.0", false],
  ["24.0.0", true],
  ["26.1.0", true],
])("Node %s is new enough: %s", (version, enough) => {
  expect(supportsNode(version)).toBe(enough);
});

describe("what npm noted as installed", () => {
  const lock = {
    packages: {
      "": { name: "modelport" },
      "node_modules/one": { version: "1.0.0" },
      "node_modules/for-windows": { version: "2.0.0", optional: true },
    },
  };

  test.each([
    ["is what the lock file wants, other machines' packages aside", { "node_modules/one": { version: "1.0.0" } }, true],
    ["holds another version", { "node_modules/one": { version: "1.0.1" } }, false],
    ["lacks a package", {}, false],
  ])("%s", (_, packages, matches) => {
    expect(matchesLock(lock, { packages })).toBe(matches);
  });
});

describe("the build's fingerprint", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "set-up-"));
    mkdirSync(join(folder, "src/base"), { recursive: true });
    mkdirSync(join(folder, "dashboard/src"), { recursive: true });
    writeFileSync(join(folder, "dashboard/src/style.css"), "a");
    writeFileSync(join(folder, "src/base/one.ts"), "1");
    writeFileSync(join(folder, "src/base/two.ts"), "2");
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  test.each([
    ["a source changes", () => writeFileSync(join(folder, "src/base/one.ts"), "changed"), true],
    ["the dashboard changes", () => writeFileSync(join(folder, "dashboard/src/style.css"), "changed"), true],
    ["a source is removed", () => rmSync(join(folder, "src/base/two.ts")), true],
    ["a setting appears", () => writeFileSync(join(folder, "tsconfig.json"), "{}"), true],
    ["a test changes", () => writeFileSync(join(folder, "src/base/one.test.ts"), "test"), false],
  ])("when %s", (_, change, differs) => {
    const before = buildFingerprint(folder);
    expect(buildFingerprint(folder)).toBe(before);
    change();
    expect(buildFingerprint(folder) !== before).toBe(differs);
  });
});
