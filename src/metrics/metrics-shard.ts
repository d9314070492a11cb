import type { Announcement } from "./announcement.ts";
import { Counter, Gauge, Histogram } from "./cells.ts";
import {
  type CounterDefinition,
  cellWidth,
  type GaugeDefinition,
  type HistogramDefinition,
  type LabelValues,
  type MetricDefinition,
} from "./definition.ts";

/**
 * Most label combinations kept apart for one metric; what comes later is counted in one cell whose labels are all empty.
 * Model names reach labels from the URL, so whoever sends requests chooses them.
 */
export const MAX_CELLS_PER_METRIC = 10_000;

/** Longest label value kept, in UTF-16 units; a longer one is counted as if it came too late. */
const MAX_LABEL_LENGTH = 1_024;

/** Numbers in a shard's first buffer (16 KiB); each further one has twice as many as the one before, up to 1 MiB. */
const FIRST_BUFFER_CELLS = 2_048;
const LARGEST_BUFFER_CELLS = 131_072;

type Cell = Counter | Gauge | Histogram;
type Branch = Map<string, Branch | Cell>;

interface Series {
  /** Nested by one label after the other; for a metric without labels the cell itself. */
  root: Branch | Cell | undefined;
  count: number;
  overflow: Cell | undefined;
}

/**
 * The counters, gauges and histograms of one thread, in memory that the control thread reads.
 *
 * Only the owning thread writes, so there are no locks: a reader may see a cell a little early or late, never a torn number
 * (aligned 64-bit stores are whole on every machine Node runs on). `announce` is called at once for each new buffer and
 * each new cell; a buffer comes before its cells.
 */
export class MetricsShard {
  readonly #announce: (announcement: Announcement) => void;
  readonly #series = new Map<MetricDefinition, Series>();
  #buffer: Float64Array<SharedArrayBuffer> | undefined;
  #bufferIndex = -1;
  #used = 0;

  constructor(announce: (announcement: Announcement) => void) {
    this.#announce = announce;
  }

  /** The cell of these label values, made on first use. */
  counter<Labels extends readonly string[]>(definition: CounterDefinition<Labels>, ...labelValues: LabelValues<Labels>): Counter {
    return this.#find(definition, labelValues) as Counter;
  }

  /** The cell of these label values, made on first use. The metric shows the sum over all threads. */
  gauge<Labels extends readonly string[]>(definition: GaugeDefinition<Labels>, ...labelValues: LabelValues<Labels>): Gauge {
    return this.#find(definition, labelValues) as Gauge;
  }

  /** The cell of these label values, made on first use. */
  histogram<Labels extends readonly string[]>(
    definition: HistogramDefinition<Labels>,
    ...labelValues: LabelValues<Labels>
  ): Histogram {
    return this.#find(definition, labelValues) as Histogram;
  }

  #find(definition: MetricDefinition, labelValues: readonly string[]): Cell {
    const series = this.#series.get(definition);
    let node = series?.root;
    for (let depth = 0; node !== undefined && depth < labelValues.length; depth++) {
      node = (node as Branch).get(labelValues[depth]!);
    }
    return node === undefined ? this.#add(definition, labelValues) : (node as Cell);
  }

  #add(definition: MetricDefinition, labelValues: readonly string[]): Cell {
    let series = this.#series.get(definition);
    if (series === undefined) {
      series = { root: definition.labels.length === 0 ? undefined : new Map(), count: 0, overflow: undefined };
      this.#series.set(definition, series);
    }
    if (series.count >= MAX_CELLS_PER_METRIC || labelValues.some((value) => value.length > MAX_LABEL_LENGTH)) {
      series.overflow ??= this.#allocate(
        definition,
        labelValues.map(() => ""),
      );
      return series.overflow;
    }
    const owned = labelValues.map(ownCopy);
    const cell = this.#allocate(definition, owned);
    series.count++;
    if (owned.length === 0) series.root = cell;
    else plant(series.root as Branch, owned, cell);
    return cell;
  }

  #allocate(definition: MetricDefinition, labelValues: readonly string[]): Cell {
    const width = cellWidth(definition);
    const buffer = this.#room(width);
    const offset = this.#used;
    this.#used += width;
    this.#announce({ kind: "cell", metric: definition.name, labelValues, buffer: this.#bufferIndex, offset });
    const values = buffer.subarray(offset, offset + width);
    switch (definition.kind) {
      case "counter":
        return new Counter(values);
      case "gauge":
        return new Gauge(values);
      case "histogram":
        return new Histogram(values, definition.limits);
    }
  }

  #room(width: number): Float64Array {
    const current = this.#buffer;
    if (current !== undefined && this.#used + width <= current.length) return current;
    const doubled = current === undefined ? FIRST_BUFFER_CELLS : Math.min(current.length * 2, LARGEST_BUFFER_CELLS);
    const shared = new SharedArrayBuffer(Math.max(doubled, width) * Float64Array.BYTES_PER_ELEMENT);
    const fresh = new Float64Array(shared);
    this.#buffer = fresh;
    this.#bufferIndex++;
    this.#used = 0;
    this.#announce({ kind: "buffer", index: this.#bufferIndex, buffer: shared });
    return fresh;
  }
}

function plant(root: Branch, labelValues: readonly string[], cell: Cell): void {
  let branch = root;
  const last = labelValues.length - 1;
  for (let depth = 0; depth < last; depth++) {
    let next = branch.get(labelValues[depth]!) as Branch | undefined;
    if (next === undefined) {
      next = new Map();
      branch.set(labelValues[depth]!, next);
    }
    branch = next;
  }
  branch.set(labelValues[last]!, cell);
}

/** A string cut from a request keeps the whole request alive as long as it lives; a copy does not. */
function ownCopy(value: string): string {
  return Buffer.from(value, "utf16le").toString("utf16le");
}
