import type { DashboardFigures, VersionFigures } from "../../src/api/dashboard/dashboard-messages.ts";

/** How far back figures are kept, in milliseconds. */
export const KEPT_MS = 5 * 60_000;

/** A silence that is drawn as one, in milliseconds. */
const GAP_MS = 5000;

/** Of whom figures are asked: everything, a model, or one of its versions. */
export interface Scope {
  readonly model?: string;
  readonly version?: string;
}

/** What plots draw: lists of one length; null where nothing is known. */
export interface Series {
  /** Seconds since 1970, rising. */
  readonly at: readonly number[];
  /** Per second. */
  readonly requests: readonly (number | null)[];
  readonly errors: readonly (number | null)[];
  /** Milliseconds; of several versions those of the slowest. */
  readonly p50: readonly (number | null)[];
  readonly p95: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
}

/** One number for each question. */
export interface Summary {
  /** Per second. */
  readonly requests: number;
  /** Of the requests, between 0 and 1. */
  readonly errorShare: number;
  /** Milliseconds, of the slowest version and second; absent where nothing was answered. */
  readonly p50?: number;
  readonly p99?: number;
}

/** The figures with newer ones behind them, in order of time, none twice and none older than `KEPT_MS` before the last. */
export function joinFigures(known: readonly DashboardFigures[], newer: readonly DashboardFigures[]): readonly DashboardFigures[] {
  const byTime = new Map([...known, ...newer].map((figures) => [figures.atMs, figures]));
  const sorted = [...byTime.values()].sort((a, b) => a.atMs - b.atMs);
  const oldest = (sorted.at(-1)?.atMs ?? 0) - KEPT_MS;
  return sorted.filter(({ atMs }) => atMs > oldest);
}

/** The figures of a scope as lines, of those after `fromMs`. */
export function seriesOf(figures: readonly DashboardFigures[], scope: Scope, fromMs: number): Series {
  const series = { at: [], requests: [], errors: [], p50: [], p95: [], p99: [] } as Record<keyof Series, (number | null)[]>;
  const push = (at: number, requests: number | null, errors: number | null, ...latency: (number | null)[]) => {
    series.at.push(at);
    series.requests.push(requests);
    series.errors.push(errors);
    series.p50.push(latency[0] ?? null);
    series.p95.push(latency[1] ?? null);
    series.p99.push(latency[2] ?? null);
  };
  let before: number | undefined;
  for (const one of figures) {
    if (one.atMs <= fromMs) continue;
    const starts = one.atMs - one.seconds * 1000;
    if (before !== undefined && starts - before > GAP_MS) push((before + 1) / 1000, null, null);
    before = one.atMs;
    const asked = inScope(one, scope);
    const requests = sum(asked, "requests") / one.seconds;
    const errors = sum(asked, "errors") / one.seconds;
    push(one.atMs / 1000, requests, errors, slowest(asked, "p50"), slowest(asked, "p95"), slowest(asked, "p99"));
  }
  return series as Series;
}

/** The last `spanMs` before the newest figures in numbers. */
export function summaryOf(figures: readonly DashboardFigures[], scope: Scope, spanMs = 5000): Summary {
  const from = (figures.at(-1)?.atMs ?? 0) - spanMs;
  const recent = figures.filter(({ atMs }) => atMs > from);
  const asked = recent.flatMap((one) => inScope(one, scope));
  const seconds = recent.reduce((total, one) => total + one.seconds, 0);
  const requests = sum(asked, "requests");
  const [p50, p99] = [slowest(asked, "p50"), slowest(asked, "p99")];
  return {
    requests: seconds === 0 ? 0 : requests / seconds,
    errorShare: requests === 0 ? 0 : sum(asked, "errors") / requests,
    ...(p50 !== null && { p50 }),
    ...(p99 !== null && { p99 }),
  };
}

function inScope({ versions }: DashboardFigures, { model, version }: Scope): readonly VersionFigures[] {
  if (model === undefined) return versions;
  return versions.filter((one) => one.model === model && (version === undefined || one.version === version));
}

function sum(versions: readonly VersionFigures[], what: "requests" | "errors"): number {
  return versions.reduce((total, one) => total + one[what], 0);
}

/** In milliseconds. */
function slowest(versions: readonly VersionFigures[], what: "p50" | "p95" | "p99"): number | null {
  const known = versions.map((one) => one[what]).filter((value) => value !== undefined);
  return known.length === 0 ? null : Math.max(...known) / 1000;
}
