import { ServingError } from "../base/serving-error.ts";
import type { Announcement } from "./announcement.ts";
import { type CounterDefinition, cellWidth, type GaugeDefinition, type MetricDefinition } from "./definition.ts";
import { metricWriter } from "./exposition.ts";
import { MAX_CELLS_PER_METRIC } from "./metrics-shard.ts";
import { type PageStyle, spelling } from "./spelling.ts";

/** At most about so many characters of a page are made at a time. */
const PIECE_LENGTH = 65_536;

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
  /** The totals in the order of their label values; undefined when one came or went since. */
  sorted: readonly Total[] | undefined;
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

  /** A metric of `definitions` shows its HELP and TYPE lines from the start, cells or none. */
  constructor(definitions: readonly MetricDefinition[]) {
    for (const definition of definitions) this.#add(definition);
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
    const { metric, buffer, offset } = announcement;
    const labelValues = announcement.labelValues.map(wellFormed);
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
    for (const family of this.#families.values()) {
      const { definition, totals } = family;
      for (const [key, total] of totals) {
        const left = total.places.filter((place) => place.shard === shard);
        if (left.length === 0) continue;
        total.places = total.places.filter((place) => place.shard !== shard);
        if (definition.kind !== "gauge") for (const { values } of left) addTo(total.past, values);
        else if (total.places.length === 0) {
          totals.delete(key);
          family.sorted = undefined;
        }
      }
    }
  }

  /** Adds a source of figures, asked for every page. It must not throw. */
  addCollector(collector: () => readonly Sample[]): void {
    this.#collectors.push(collector);
  }

  /**
   * What all cells of a counter or gauge that threads keep add up to; undefined for a metric that is unknown or a histogram.
   * The name may be the definition's or that of either page.
   */
  total(name: string): number | undefined {
    const family = this.#families.get(name) ?? [...this.#families.values()].find(({ definition }) => goesBy(definition, name));
    if (family === undefined || family.definition.kind === "histogram") return undefined;
    let sum = 0;
    for (const { past, places } of family.totals.values()) {
      sum += past[0]!;
      for (const { values } of places) sum += values[0]!;
    }
    return sum;
  }

  /** The whole page, metrics and cells in the order of their names and label values. */
  render(style: PageStyle): string {
    return [...this.pieces(style)].join("");
  }

  /**
   * The page of {@link MetricsCatalog.render} in pieces, at least one for each metric, so that who has other work to do can do
   * it between them. Cells are read when their piece is made.
   */
  *pieces(style: PageStyle): Generator<string, void> {
    const samples = this.#collect();
    yield "";
    const families = [...this.#families.values()]
      .map((family) => ({ family, writer: metricWriter(family.definition, style) }))
      .sort(({ writer: left }, { writer: right }) => (left.name < right.name ? -1 : 1));
    for (const { family, writer } of families) {
      const sum = new Float64Array(cellWidth(family.definition));
      let piece = writer.head;
      for (const total of merged(family, samples.get(family.definition.name))) {
        sum.set(total.past);
        for (const { values } of total.places) addTo(sum, values);
        piece += writer.cell(writer.labels(total.labelValues), sum);
        if (piece.length < PIECE_LENGTH) continue;
        yield piece;
        piece = "";
      }
      yield piece;
    }
  }

  #collect(): ReadonlyMap<string, readonly Sample[]> {
    const samples = new Map<string, Sample[]>();
    for (const collector of this.#collectors) {
      for (const sample of collector()) {
        const { definition } = sample;
        const alike = samples.get(definition.name);
        if (alike !== undefined) alike.push(sample);
        else samples.set(definition.name, [sample]);
        if (!this.#families.has(definition.name)) this.#add(definition);
      }
    }
    return samples;
  }

  #add(definition: MetricDefinition): void {
    this.#families.set(definition.name, { definition, totals: new Map(), sorted: undefined });
  }
}

function goesBy(definition: MetricDefinition, name: string): boolean {
  return spelling(definition, "tensorflow-serving").name === name || spelling(definition, "prometheus").name === name;
}

/** A family's totals and what collectors add to them, in order. */
function merged(family: Family, samples: readonly Sample[] | undefined): readonly Total[] {
  if (samples === undefined) {
    family.sorted ??= [...family.totals.values()].sort(byLabels);
    return family.sorted;
  }
  const totals = new Map(family.totals);
  for (const { labelValues, value } of samples) {
    const key = JSON.stringify(labelValues);
    const known = totals.get(key);
    const past = known === undefined ? new Float64Array(1) : Float64Array.from(known.past);
    past[0]! += value;
    totals.set(key, { labelValues, past, places: known?.places ?? [] });
  }
  return [...totals.values()].sort(byLabels);
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
  family.sorted = undefined;
  return total;
}

/** Halves of surrogate pairs are one replacement character on the page, where each line must be of another cell. */
function wellFormed(value: string): string {
  return Buffer.from(value).toString();
}

function addTo(sum: Float64Array, values: Float64Array): void {
  for (let index = 0; index < sum.length; index++) sum[index]! += values[index]!;
}

function byLabels({ labelValues: left }: Total, { labelValues: right }: Total): number {
  for (let index = 0; index < left.length; index++) {
    if (left[index]! < right[index]!) return -1;
    if (left[index]! > right[index]!) return 1;
  }
  return 0;
}
