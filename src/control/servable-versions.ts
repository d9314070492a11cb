import { stat } from "node:fs/promises";
import { join } from "node:path";
import { ServingError } from "../base/serving-error.ts";
import type { ModelConfig } from "../config/model-config.ts";
import { prefixFiles } from "../sources/prefix-files.ts";
import { listVersionDirectories, type VersionDirectories } from "../sources/version-directory.ts";
import { selectVersions } from "../sources/version-policy.ts";

/** The versions a model's policy chooses from what is on disk now, highest first; a bare model is version 1. */
export async function servableVersions({
  name,
  basePath,
  versionPolicy,
}: ModelConfig): Promise<readonly { readonly version: bigint; readonly path: string }[]> {
  const found = await versionDirectories(basePath).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT")
      throw new ServingError("not-found", `there is nothing at the base path of model ${name}`, { cause });
    throw new ServingError("permission-denied", `the base path of model ${name} cannot be read`, { cause });
  });
  if (found.folders.length === 0) return [{ version: 1n, path: basePath }];
  const { candidates, limit } = selectVersions(found, versionPolicy);
  return candidates.slice(0, limit).map((folder) => ({ version: folder.version, path: join(basePath, folder.name) }));
}

async function versionDirectories(basePath: string): Promise<VersionDirectories> {
  const none = { folders: [], duplicates: [] };
  try {
    return (await stat(basePath)).isDirectory() ? await listVersionDirectories(basePath) : none;
  } catch (reason) {
    if ((await prefixFiles(basePath)).length > 0) return none;
    throw reason;
  }
}

/**
 * Checks that a model's policy finds a version on disk.
 * Rejects with not-found, in TensorFlow Serving's words but without the path, when it finds none.
 */
export async function requireVersions(model: ModelConfig, isModel: (path: string) => Promise<boolean>): Promise<void> {
  const found = await versionDirectories(model.basePath).catch(() => undefined);
  if (found !== undefined && selectVersions(found, model.versionPolicy).candidates.length > 0) return;
  if (found?.folders.length === 0 && (await isModel(model.basePath).catch(() => false))) return;
  throw new ServingError(
    "not-found",
    `Unable to find a numerical version path for servable ${model.name} at its base_path; put a version there first`,
  );
}
