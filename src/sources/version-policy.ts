/** Which of the versions found under a base path are aspired. */
export type VersionPolicy =
  /** The `count` highest ones; 0 means 1. */
  | { readonly kind: "latest"; readonly count: number }
  | { readonly kind: "all" }
  /** These, as far as they are there. */
  | { readonly kind: "specific"; readonly versions: readonly bigint[] };

/** What a policy makes of the versions found. */
export interface Selection {
  /** Versions in order of preference; one that is not ready is passed over as if it were not there. */
  readonly candidates: readonly bigint[];
  /** How many of them are wanted. */
  readonly limit: number;
  /** Versions asked for that are not there. */
  readonly missing: readonly bigint[];
}

/** Applies a policy to the versions found, given with the highest first. */
export function selectVersions(found: readonly bigint[], policy: VersionPolicy): Selection {
  switch (policy.kind) {
    case "latest":
      return { candidates: found, limit: Math.max(1, policy.count), missing: [] };
    case "all":
      return { candidates: found, limit: found.length, missing: [] };
    case "specific": {
      const wanted = new Set(policy.versions);
      const candidates = found.filter((version) => wanted.has(version));
      const present = new Set(candidates);
      return { candidates, limit: candidates.length, missing: [...wanted].filter((version) => !present.has(version)) };
    }
  }
}
