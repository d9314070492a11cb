import { findVersion, type VersionDirectories, type VersionDirectory } from "./version-directory.ts";

/** Which of the versions found under a base path are aspired. */
export type VersionPolicy =
  /** The `count` highest ones; 0 means 1. */
  | { readonly kind: "latest"; readonly count: number }
  | { readonly kind: "all" }
  /** These, as far as they are there. */
  | { readonly kind: "specific"; readonly versions: readonly bigint[] };

/** What a policy makes of the versions found. */
export interface Selection {
  /** Folders in order of preference, the highest version first; one that is not ready is passed over as if it were not there. */
  readonly candidates: readonly VersionDirectory[];
  /** How many of them are wanted. */
  readonly limit: number;
  /** Versions asked for that are not there. */
  readonly missing: readonly bigint[];
}

/** Applies a policy to the versions found. */
export function selectVersions(found: VersionDirectories, policy: VersionPolicy): Selection {
  switch (policy.kind) {
    case "latest":
      return { candidates: found.folders, limit: Math.max(1, policy.count), missing: [] };
    case "all":
      return { candidates: found.folders, limit: found.folders.length, missing: [] };
    case "specific": {
      const candidates: VersionDirectory[] = [];
      const missing: bigint[] = [];
      for (const version of new Set(policy.versions)) {
        const folder = findVersion(found, version);
        if (folder === undefined) missing.push(version);
        else candidates.push(folder);
      }
      candidates.sort((a, b) => (a.version < b.version ? 1 : -1));
      return { candidates, limit: candidates.length, missing };
    }
  }
}
