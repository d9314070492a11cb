import { stat } from "node:fs/promises";
import { join } from "node:path";
import { ServingError } from "../base/serving-error.ts";
import type { ModelConfig } from "../config/model-config.ts";
import { listVersionDirectories } from "../sources/version-directory.ts";
import { selectVersions } from "../sources/version-policy.ts";

/** The versions a model's policy chooses from what is on disk now, highest first; a bare model is version 1. */
export async function servableVersions({
  name,
  basePath,
  versionPolicy,
}: ModelConfig): Promise<readonly { readonly version: bigint; readonly path: string }[]> {
  const names = await versionNames(basePath).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT")
      throw new ServingError("not-found", `there is nothing at the base path of model ${name}`, { cause });
    throw new ServingError("permission-denied", `the base path of model ${name} cannot be read`, { cause });
  });
  if (names.size === 0) return [{ version: 1n, path: basePath }];
  const { candidates, limit } = selectVersions([...names.keys()], versionPolicy);
  return candidates.slice(0, limit).map((version) => ({ version, path: join(basePath, names.get(version)!) }));
}

async function versionNames(basePath: string): Promise<ReadonlyMap<bigint, string>> {
  return (await stat(basePath)).isDirectory() ? (await listVersionDirectories(basePath)).names : new Map();
}
