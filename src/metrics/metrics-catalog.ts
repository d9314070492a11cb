import { ServingError } from "../base/serving-error.ts";
import type { Announcement } from "./announcement.ts";
import { type CounterDefinition, cellWidth, type GaugeDefinition, type MetricDefinition } from "./definition.ts";
import { type CellReading, exposition, type MetricReading, metricName } from "./exposition.ts";
import { MAX_CELLS_PER_METRIC } from "./metrics-shard.ts";

/** A figure worked out when the page is asked for. Samples of equal labels are added up. */
export interface Sample {
  readonly definition: CounterDefinition | GaugeDefinition;
  readonly labelValues: readonly string[];
  readonly value: number;
}

interface Place {
  readonly shard: number;
  readonly values: Float64Array;
}

interface Total {
  readonly labelValues: readonly string[];
  /** What threads that have ended counted. */
  readonly past: Float64Array;
  places: Place[];
}

interface Family {
  readonly definition: MetricDefinition;
  readonly totals: Map<string, Total>;
}

/**
 * Every thread's cells, summed when the page is asked for. Lives on the control thread.
 *
 * It learns of cells from the announcements of the shards, which must arrive in the order in which they were made.
 */
export class MetricsCatalog {
  readonly #families = new Map<string, Family>();
  readonly #buffers = new Map<number, SharedArrayBuffer[]>();
  readonly #collectors: (() => readonly Sample[])[] = [];

  /** A metric of `definitions` shows its TYPE line from the start, cells or none. */
  constructor(definitions: readonly MetricDefinition[]) {
    for (const definition of definitions) this.#families.set(definition.name, { definition, totals: new Map() });
  }

  /**
   * Takes what the shard of that number announced. A number may be used again once {@link retire} took it.
   *
   * @throws ServingError internal for a metric that is not among the definitions, or a cell before its buffer
   */
  accept(shard: number, announcement: Announcement): void {
    if (announcement.kind === "buffer") {
      const buffers = this.#buffers.get(shard) ?? [];
      buffers[announcement.index] = announcement.buffer;
      this.#buffers.set(shard, buffers);
      return;
    }
    const { metric, labelValues, buffer, offset } = announcement;
    const family = this.#families.get(metric);
    if (family === undefined) throw new ServingError("internal", `metric "${metric}" is not among the catalog's definitions`);
    const memory = this.#buffers.get(shard)?.[buffer];
    if (memory === undefined) {
      throw new ServingError("internal", `a cell of metric "${metric}" was announced before buffer ${buffer} of shard ${shard}`);
    }
    const values = new Float64Array(memory, offset * Float64Array.BYTES_PER_ELEMENT, cellWidth(family.definition));
    totalOf(family, labelValues).places.push({ shard, values });
  }

  /** Lets go of a shard whose thread has ended: its counts stay in the sums, its gauges leave them. */
  retire(shard: number): void {
    this.#buffers.delete(shard);
    for (const { definition, totals } of this.#families.values()) {
      for (const [key, total] of totals) {
        const left = total.places.filter((place) => place.shard === shard);
        if (left.length === 0) continue;
        total.places = total.places.filter((place) => place.shard !== shard);
        if (definition.kind !== "gauge") for (const { values } of left) addTo(total.past, values);
        else if (total.places.length === 0) totals.delete(key);
      }
    }
  }

  /** Adds a source of figures, asked at every {@link render}. It must not throw. */
  addCollector(collector: () => readonly Sample[]): void {
    this.#collectors.push(collector);
  }

  /**
   * What all cells of a counter or gauge that threads keep add up to; undefined for a metric that is unknown or a histogram.
   * The name may be the definition's or the page's.
   */
  total(name: string): number | undefined {
    const family =
      this.#families.get(name) ?? [...this.#families.values()].find(({ definition }) => metricName(definition.name) === name);
    if (family === undefined || family.definition.kind === "histogram") return undefined;
    return read(family, []).reduce((sum, cell) => sum + cell.values[0]!, 0);
  }

  /** The whole page, metrics and cells in the order of their names and label values. */
  render(): string {
    const samples = new Map<string, Sample[]>();
    for (const sample of this.#collectors.flatMap((collector) => collector())) {
      const { definition } = sample;
      if (!this.#families.has(definition.name)) this.#families.set(definition.name, { definition, totals: new Map() });
      const alike = samples.get(definition.name);
      if (alike === undefined) samples.set(definition.name, [sample]);
      else alike.push(sample);
    }
    const readings: MetricReading[] = [];
    for (const name of [...this.#families.keys()].sort()) {
      const family = this.#families.get(name)!;
      readings.push({ definition: family.definition, cells: read(family, samples.get(name) ?? []) });
    }
    return exposition(readings);
  }
}

function read({ definition, totals }: Family, samples: readonly Sample[]): readonly CellReading[] {
  const cells = new Map<string, { readonly labelValues: readonly string[]; readonly values: Float64Array }>();
  for (const [key, { labelValues, past, places }] of totals) {
    const values = Float64Array.from(past);
    for (const place of places) addTo(values, place.values);
    cells.set(key, { labelValues, values });
  }
  for (const { labelValues, value } of samples) {
    const key = JSON.stringify(labelValues);
    const cell = cells.get(key) ?? { labelValues, values: new Float64Array(cellWidth(definition)) };
    cell.values[0]! += value;
    cells.set(key, cell);
  }
  return [...cells.values()].sort((left, right) => compareLabels(left.labelValues, right.labelValues));
}

/** Beyond the cap of one metric every further combination is added to the cell of empty labels, as in a shard. */
function totalOf(family: Family, labelValues: readonly string[]): Total {
  const { definition, totals } = family;
  const key = JSON.stringify(labelValues);
  const known = totals.get(key);
  if (known !== undefined) return known;
  const empty = labelValues.map(() => "");
  const emptyKey = JSON.stringify(empty);
  if (totals.size >= MAX_CELLS_PER_METRIC && key !== emptyKey) return totalOf(family, empty);
  const total: Total = { labelValues, past: new Float64Array(cellWidth(definition)), places: [] };
  totals.set(key, total);
  return total;
}

function addTo(sum: Float64Array, values: Float64Array): void {
  for (let index = 0; index < sum.length; index++) sum[index]! += values[index]!;
}

function compareLabels(left: readonly string[], right: readonly string[]): number {
  for (let index = 0; index < left.length; index++) {
    if (left[index]! < right[index]!) return -1;
    if (left[index]! > right[index]!) return 1;
  }
  return 0;
}
