import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";

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
