/** Which of a model's versions are served. */
export type VersionPolicy =
  /** The `count` highest ones, at least 1. */
  | { readonly kind: "latest"; readonly count: number }
  | { readonly kind: "all" }
  | { readonly kind: "specific"; readonly versions: readonly bigint[] };

/** One model to serve, with every choice made. */
export interface ModelConfig {
  readonly name: string;
  /** Absolute. */
  readonly basePath: string;
  /** Undefined when the model's files are to tell. */
  readonly platform?: string;
  readonly versionPolicy: VersionPolicy;
  readonly labels: ReadonlyMap<string, bigint>;
}

/** What a model is served with when nothing else is said. */
export const LATEST_VERSION: VersionPolicy = { kind: "latest", count: 1 };
