import { type ServableId, servableKey } from "../core/servable-id.ts";
import { CallSum, type CallSummary, FiguresReader, figuresMemory } from "../metrics/version-figures.ts";

/** What happened to one version between two readings. */
export interface VersionReading extends CallSummary {
  readonly id: ServableId;
}

interface Published {
  readonly id: ServableId;
  readonly memory: SharedArrayBuffer;
  readonly reader: FiguresReader;
}

/** The calls of every version that is published: of those that come and go nothing stays but until the next reading. */
export class PublishedFigures {
  readonly #threads: number;
  readonly #published = new Map<string, Published>();
  /** Those that went since the last reading. */
  #gone: Published[] = [];

  constructor(threads: number) {
    this.#threads = threads;
  }

  /** The memory of a version; the same for as long as it is published. */
  memory(id: ServableId): SharedArrayBuffer {
    const key = servableKey(id);
    const known = this.#published.get(key);
    if (known !== undefined) return known.memory;
    const memory = figuresMemory(this.#threads);
    this.#published.set(key, { id, memory, reader: new FiguresReader(memory) });
    return memory;
  }

  /** A version is no longer published, and nothing is in flight on it. */
  retire(id: ServableId): void {
    const key = servableKey(id);
    const retired = this.#published.get(key);
    if (retired === undefined) return;
    this.#published.delete(key);
    this.#gone.push(retired);
  }

  /** What happened since the last reading, of the versions that were asked anything, in no order. */
  read(): readonly VersionReading[] {
    // One that went may have come again: what belongs to one version is added up.
    const gone = new Map<string, CallSum>();
    for (const { id, reader } of this.#gone) {
      const key = servableKey(id);
      const sum = gone.get(key) ?? new CallSum();
      gone.set(key, sum);
      reader.read(sum);
    }
    const readings: VersionReading[] = [];
    const note = (id: ServableId, sum: CallSum | undefined): void => {
      const summary = sum?.summary();
      if (summary !== undefined) readings.push({ id, ...summary });
    };
    for (const { id } of this.#gone) {
      const key = servableKey(id);
      if (this.#published.has(key)) continue;
      note(id, gone.get(key));
      gone.delete(key);
    }
    for (const [key, { id, reader }] of this.#published) {
      if (gone.has(key) || reader.changed) {
        const sum = gone.get(key) ?? new CallSum();
        reader.read(sum);
        note(id, sum);
      }
    }
    this.#gone = [];
    return readings;
  }
}
