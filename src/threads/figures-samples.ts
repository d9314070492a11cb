import type { DashboardFigures, VersionFigures } from "../api/dashboard/dashboard-messages.ts";
import type { Clock } from "../base/clock.ts";
import type { VersionReading } from "./published-figures.ts";

/** What the whole process is at. */
export interface ProcessReading {
  readonly rssBytes: number;
  /** User and system time of all threads since the start. */
  readonly cpuSeconds: number;
  readonly openConnections: number;
}

/** What samples are taken of. */
export interface FiguresSamplesParts {
  /** What was asked of each version since the last reading. */
  readonly versions: () => readonly VersionReading[];
  readonly process: () => ProcessReading;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly time: () => number;
}

/** Samples that are kept: five minutes of one a second. */
const KEPT = 300;

/** Versions in one sample; of more, the busiest. */
const MOST_VERSIONS = 100;

const encoder = new TextEncoder();

/** The figures of the last minutes, each as the text that dashboards are sent. */
export class FiguresSamples {
  readonly #parts: FiguresSamplesParts;
  readonly #samples: string[] = [];
  #history: Uint8Array | undefined;
  #takenAt: number;
  #cpuSeconds: number;

  constructor(parts: FiguresSamplesParts) {
    this.#parts = parts;
    this.#takenAt = parts.clock.now();
    this.#cpuSeconds = parts.process().cpuSeconds;
  }

  /** What happened since the last sample, as {@link DashboardFigures} in JSON. */
  take(): string {
    const { versions, process, clock, time } = this.#parts;
    const now = clock.now();
    const seconds = Math.max(0.001, (now - this.#takenAt) / 1000);
    const { rssBytes, cpuSeconds, openConnections } = process();
    const figures: DashboardFigures = {
      atMs: Math.round(time()),
      seconds: thousandths(seconds),
      rssBytes,
      cpu: thousandths((cpuSeconds - this.#cpuSeconds) / seconds),
      openConnections,
      versions: busiest(versions()).map(versionFigures),
    };
    this.#takenAt = now;
    this.#cpuSeconds = cpuSeconds;
    const text = JSON.stringify(figures);
    this.#samples.push(text);
    if (this.#samples.length > KEPT) this.#samples.shift();
    this.#history = undefined;
    return text;
  }

  /** All samples kept, as a FiguresHistory in JSON; the same bytes until the next one is taken. */
  history(): Uint8Array {
    this.#history ??= encoder.encode(`{"figures":[${this.#samples.join(",")}]}`);
    return this.#history;
  }
}

function busiest(versions: readonly VersionReading[]): readonly VersionReading[] {
  if (versions.length <= MOST_VERSIONS) return versions;
  return versions.toSorted((a, b) => b.requests - a.requests).slice(0, MOST_VERSIONS);
}

function versionFigures({ id, ...summary }: VersionReading): VersionFigures {
  return { model: id.name, version: String(id.version), ...summary };
}

function thousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}
