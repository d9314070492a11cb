// What the server tells the dashboard, as JSON. Every path is below `/dashboard/api/`. Versions are decimal texts: they may exceed 2^53.
import type { VersionState } from "../../serving/version-status.ts";

/** `session`: who looks, and what they may do. */
export interface DashboardSession {
  /** The principal's name; absent where nobody is asked who they are. */
  readonly name?: string;
  readonly grants: { readonly inference: boolean; readonly admin: boolean; readonly metrics: boolean };
  /** Whether models can be changed at all: the admin API is on. */
  readonly adminApi: boolean;
}

/** `state`: what is served. Sent again, whole, whenever something of it changes. */
export interface DashboardState {
  readonly server: ServerFacts;
  /** In alphabetical order. */
  readonly models: readonly DashboardModel[];
}

/** Facts of the server that stay as they are while it runs. */
export interface ServerFacts {
  /** modelport's. */
  readonly version: string;
  readonly nodeVersion: string;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
  readonly servingThreads: number;
  readonly ready: boolean;
}

/** A model that is configured, or of which versions are still known: of those that serve nothing any more, at most 50. */
export interface DashboardModel {
  readonly name: string;
  /** Versions by label. */
  readonly labels: Readonly<Record<string, string>>;
  /** Highest first; of those that have ended, the ten highest. */
  readonly versions: readonly DashboardVersion[];
}

/** A version as its latest load left it; what is not known is absent. */
export interface DashboardVersion {
  readonly version: string;
  readonly state: VersionState;
  /** Why it ended, when it did not end well. */
  readonly error?: { readonly code: string; readonly message: string };
  readonly platform?: string;
  /** Why that platform was chosen. */
  readonly why?: string;
  readonly loadMs?: number;
  readonly loadedAtMs?: number;
  readonly fileBytes?: number;
  /** What it is estimated to take. */
  readonly memoryBytes?: number;
}

/** `figures`: what happened in one second, or in the several that one message may stand for. */
export interface DashboardFigures {
  /** The end of the time, in milliseconds since 1970. */
  readonly atMs: number;
  /** Its length. */
  readonly seconds: number;
  readonly rssBytes: number;
  /** Of the whole process; 1 is one core. */
  readonly cpu: number;
  readonly openConnections: number;
  /** Of those versions that were asked anything; of very many, the 100 busiest. */
  readonly versions: readonly VersionFigures[];
}

/** What one version was asked. */
export interface VersionFigures {
  readonly model: string;
  readonly version: string;
  readonly requests: number;
  /** Of the requests, those that were not answered well. */
  readonly errors: number;
  /** Percentiles of the time from the request to its answer, in microseconds; of good answers, absent where there was none. */
  readonly p50?: number;
  readonly p95?: number;
  readonly p99?: number;
}

/** `figures` asked for by GET: the last minutes, oldest first. */
export interface FiguresHistory {
  readonly figures: readonly DashboardFigures[];
}

/** `models/NAME/history`: what happened to a model's versions, latest first. */
export interface ModelHistory {
  readonly events: readonly HistoryEvent[];
}

/** One change of a version's state. */
export interface HistoryEvent {
  readonly atMs: number;
  readonly version: string;
  readonly state: VersionState;
  readonly error?: { readonly code: string; readonly message: string };
}

/** `models/NAME/versions/VERSION`: how a served version is called. */
export interface VersionDetail {
  readonly signatures: readonly SignatureDetail[];
  /** A REST predict body that the model is known to answer, or one made up from its default signature. */
  readonly example: string;
}

/** One signature. */
export interface SignatureDetail {
  readonly name: string;
  readonly methodName: string;
  /** Why it cannot be called, where it cannot. */
  readonly uncallable?: string;
  /** Whether a row of a request is one value of each input. */
  readonly rowwise?: boolean;
  readonly inputs: readonly TensorDetail[];
  readonly outputs: readonly TensorDetail[];
}

/** One input or output. */
export interface TensorDetail {
  readonly alias: string;
  readonly dtype: string;
  /** -1 where a size is free; absent where even the rank is. */
  readonly shape?: readonly number[];
  readonly dimensionNames?: readonly string[];
  readonly optional?: boolean;
  /** Whether a value may be missing, which is null. */
  readonly nullable?: boolean;
}
