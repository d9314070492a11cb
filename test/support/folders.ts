import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";

const FIXTURES = new URL("../fixtures/", import.meta.url).pathname;

/** A model folder or file of the test fixtures. */
export function fixture(...path: readonly string[]): string {
  return join(FIXTURES, ...path);
}

/** A fresh folder; `remove` deletes it. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "modelport-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/**
 * Makes fresh folders, each deleted after the test that asked for it. To be called at the top of a file, before the hook that stops what
 * works in them: hooks run in the order opposite to their registration.
 */
export function temporaryFolders(): () => string {
  const made: { remove(): void }[] = [];
  afterEach(() => {
    for (const folder of made.splice(0)) folder.remove();
  });
  return () => {
    const folder = temporaryFolder();
    made.push(folder);
    return folder.path;
  };
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
