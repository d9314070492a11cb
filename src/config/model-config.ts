import type { BatchingChoice } from "../model/batching.ts";
import type { PythonOptions } from "../model/python-options.ts";
import type { RequestLogging } from "../model/request-logging.ts";
import type { TensorFlowOptions } from "../model/tensorflow-options.ts";
import type { ConfigObject } from "./config-value.ts";

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
  /**
   * Weights above 0 by label, each a label of `labels`: a request that names neither version nor label is answered by one of
   * them, drawn by weight. Empty when the latest version answers.
   */
  readonly trafficSplit: ReadonlyMap<string, number>;
  /** Absent when no request is logged. */
  readonly logging?: RequestLogging;
  /** Absent when the version's folder or the server's flags say how the model is batched. */
  readonly batching?: BatchingChoice;
  /** How TensorFlow loads and runs it; absent when the server's flags say all. Of no meaning to other platforms. */
  readonly tensorflow?: TensorFlowOptions;
  /** What `tensorflow.sessionConfig` was written as; they come and go together. */
  readonly sessionConfig?: ConfigObject;
  /** How Python workers run it; absent when the server's flags say all. Of no meaning to what no worker runs. */
  readonly python?: PythonOptions;
}

/** What a model is served with when nothing else is said. */
export const LATEST_VERSION: VersionPolicy = { kind: "latest", count: 1 };

/** No request is answered by a label it did not name. */
export const NO_TRAFFIC_SPLIT: ReadonlyMap<string, number> = new Map();
