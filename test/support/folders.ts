import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

export { temporaryFolder, temporaryFolders } from "../../src/base/test-folders.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url).pathname;

/** A model folder or file of the test fixtures. */
export function fixture(...path: readonly string[]): string {
  return join(FIXTURES, ...path);
}

/** Copies a file into a version folder elsewhere and moves it into place, as a careful deployer does. */
export function publishVersion(base: string, version: number | string, file: string): void {
  const staging = mkdtempSync(join(base, ".staging-"));
  cpSync(file, join(staging, "model.onnx"));
  mkdirSync(base, { recursive: true });
  renameSync(staging, join(base, String(version)));
}

/** Takes a version away. */
export function removeVersion(base: string, version: number | string): void {
  rmSync(join(base, String(version)), { recursive: true });
}
