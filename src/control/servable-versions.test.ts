import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { VersionPolicy } from "../config/model-config.ts";
import { servableVersions } from "./servable-versions.ts";

const MODEL = new URL("../../test/fixtures/onnx/bool_where/model.onnx", import.meta.url).pathname;
const base = mkdtempSync(join(tmpdir(), "modelport-"));

beforeAll(() => {
  for (const name of ["1", "007", "20", "notes"]) mkdirSync(join(base, "m", name), { recursive: true });
  writeFileSync(join(base, "m", "99"), "a file is no version folder");
  mkdirSync(join(base, "bare"));
  cpSync(MODEL, join(base, "bare", "model.onnx"));
});
afterAll(() => rmSync(base, { recursive: true }));

const versions = (basePath: string, versionPolicy: VersionPolicy = { kind: "all" }) =>
  servableVersions({ name: "m", basePath, versionPolicy, labels: new Map(), trafficSplit: new Map() });

test.each<[VersionPolicy, [bigint, string][]]>([
  [{ kind: "latest", count: 1 }, [[20n, "20"]]],
  [
    { kind: "latest", count: 2 },
    [
      [20n, "20"],
      [7n, "007"],
    ],
  ],
  [
    { kind: "all" },
    [
      [20n, "20"],
      [7n, "007"],
      [1n, "1"],
    ],
  ],
  [{ kind: "specific", versions: [1n, 5n] }, [[1n, "1"]]],
  [{ kind: "specific", versions: [5n] }, []],
])("the policy chooses from the folders that are there, highest first", async (policy, wanted) => {
  const expected = wanted.map(([version, name]) => ({ version, path: join(base, "m", name) }));
  expect(await versions(join(base, "m"), policy)).toEqual(expected);
});

test.each(["bare", "bare/model.onnx"])("a model without version folders is version 1: %s", async (name) => {
  expect(await versions(join(base, name))).toEqual([{ version: 1n, path: join(base, name) }]);
});

test("a path that files begin with is version 1", async () => {
  writeFileSync(join(base, "mx_mlp-symbol.json"), "{}");
  expect(await versions(join(base, "mx_mlp"))).toEqual([{ version: 1n, path: join(base, "mx_mlp") }]);
});

test("a missing base path is told by the model's name alone", async () => {
  const error = await versions(join(base, "gone")).catch((reason: Error) => reason);
  expect(error).toMatchObject({ code: "not-found", message: "there is nothing at the base path of model m" });
});

test.skipIf(process.getuid?.() === 0)(
  "a base path that may not be read is told by the model's name alone (skipped as root)",
  async () => {
    mkdirSync(join(base, "closed"), { mode: 0 });
    await expect(versions(join(base, "closed"))).rejects.toMatchObject({ message: expect.stringContaining("model m") });
  },
);
