import type { DashboardModel, DashboardState, DashboardVersion, ModelHistory } from "../api/dashboard/dashboard-messages.ts";
import type { StatusCode } from "../base/serving-error.ts";
import type { SharedModel } from "../model/runtime.ts";
import type { VersionState } from "../serving/version-status.ts";

/** A version as whoever loads models knows it. */
export interface KnownVersion {
  readonly name: string;
  readonly version: bigint;
  readonly state: VersionState;
  readonly error?: { readonly code: StatusCode; readonly message: string };
  /** What its latest load found out. */
  readonly load?: {
    readonly platform?: string;
    readonly why?: string;
    readonly milliseconds: number;
    readonly ramBytes?: number;
    readonly model?: SharedModel;
  };
}

/** A change of a version's state. */
export interface KnownEvent {
  readonly atMs: number;
  readonly version: bigint;
  readonly state: VersionState;
  readonly error?: { readonly code: StatusCode; readonly message: string };
}

/** What a dashboard shows of the models. */
export interface KnownModels {
  /** The configured ones. */
  readonly models: readonly { readonly name: string; readonly labels: ReadonlyMap<string, bigint> }[];
  /** Whether each of those has an available version. */
  readonly ready: boolean;
  /** Every version known, by model. */
  rows(): readonly KnownVersion[];
  /** What happened to a model's versions, latest first; undefined for a name that was never seen. */
  history(model: string): readonly KnownEvent[] | undefined;
}

/** Facts of a server that stay as they are while it runs. */
export type ServerIdentity = Omit<DashboardState["server"], "ready">;

/** Versions of a model shown that have ended, the highest ones; of the others the history tells. */
const MOST_ENDED = 10;

/** Models shown that are not configured any more and serve nothing. */
const MOST_FORMER = 50;

/** The present state as dashboards are sent it. */
export function dashboardState(known: KnownModels, server: ServerIdentity): DashboardState {
  const versions = grouped(known.rows());
  const labels = new Map(known.models.map((model) => [model.name, model.labels]));
  const former = [...versions]
    .filter(([name, rows]) => !labels.has(name) && rows.every(({ state }) => state === "END"))
    .slice(MOST_FORMER)
    .map(([name]) => name);
  const hidden = new Set(former);
  const names = [...new Set([...labels.keys(), ...versions.keys()])].filter((name) => !hidden.has(name)).sort();
  return {
    server: { ...server, ready: known.ready },
    models: names.map((name) => dashboardModel(name, labels.get(name), versions.get(name) ?? [])),
  };
}

/** A model's history as dashboards are sent it. */
export function modelHistory(events: readonly KnownEvent[]): ModelHistory {
  return {
    events: events.map(({ atMs, version, state, error }) => ({
      atMs,
      version: String(version),
      state,
      ...(error && { error: { code: error.code, message: error.message } }),
    })),
  };
}

function dashboardModel(
  name: string,
  labels: ReadonlyMap<string, bigint> | undefined,
  rows: readonly KnownVersion[],
): DashboardModel {
  let ended = 0;
  const shown = rows
    .toSorted((a, b) => (a.version < b.version ? 1 : -1))
    .filter(({ state }) => state !== "END" || ended++ < MOST_ENDED);
  return {
    name,
    labels: Object.fromEntries([...(labels ?? [])].map(([label, version]) => [label, String(version)])),
    versions: shown.map(dashboardVersion),
  };
}

function dashboardVersion({ version, state, error, load }: KnownVersion): DashboardVersion {
  const about = load?.model?.about;
  return {
    version: String(version),
    state,
    ...(error && { error: { code: error.code, message: error.message } }),
    ...(load?.platform !== undefined && { platform: load.platform }),
    ...(load?.why !== undefined && { why: load.why }),
    ...(load !== undefined && { loadMs: Math.round(about?.loadMs ?? load.milliseconds) }),
    ...(about !== undefined && { loadedAtMs: about.loadedAtMs, fileBytes: about.fileBytes }),
    ...(load?.ramBytes !== undefined && { memoryBytes: load.ramBytes }),
  };
}

function grouped(rows: readonly KnownVersion[]): Map<string, KnownVersion[]> {
  const groups = new Map<string, KnownVersion[]>();
  for (const row of rows) {
    const group = groups.get(row.name);
    if (group === undefined) groups.set(row.name, [row]);
    else group.push(row);
  }
  return groups;
}
