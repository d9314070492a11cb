interface Named<Labels extends readonly string[]> {
  /**
   * Of TensorFlow Serving's a path such as `/tensorflow/serving/request_count`, which each page spells in its own way; of
   * ours a name in Prometheus's conventions such as `modelport_open_connections`, which both pages spell alike.
   */
  readonly name: string;
  /** What it counts, in one sentence, for the HELP line. */
  readonly help: string;
  /** Label names, in the order in which cells give their values. */
  readonly labels: Labels;
}

/** Counts that only grow. */
export interface CounterDefinition<Labels extends readonly string[] = readonly string[]> extends Named<Labels> {
  readonly kind: "counter";
}

/** A figure that goes up and down. Kept by several threads, it shows their sum. */
export interface GaugeDefinition<Labels extends readonly string[] = readonly string[]> extends Named<Labels> {
  readonly kind: "gauge";
}

/** Values counted by size. */
export interface HistogramDefinition<Labels extends readonly string[] = readonly string[]> extends Named<Labels> {
  readonly kind: "histogram";
  /**
   * Upper limits of the buckets, ascending; one more bucket holds what is above the last. As in TensorFlow Serving a value
   * that equals a limit falls into the bucket after it.
   */
  readonly limits: Float64Array;
  /** Of TensorFlow Serving's latencies: values and limits are microseconds, which Prometheus's page shows as seconds. */
  readonly unit?: "microseconds";
}

/** What a metric is called, counts and distinguishes. */
export type MetricDefinition = CounterDefinition | GaugeDefinition | HistogramDefinition;

/** One string for each label, in the order of the definition. */
export type LabelValues<Labels extends readonly string[]> = { readonly [Index in keyof Labels]: string };

/** A counter; one of our own ends in `_total`. */
export function counter<const Labels extends readonly string[]>(
  name: string,
  help: string,
  ...labels: Labels
): CounterDefinition<Labels> {
  return { kind: "counter", name, help, labels };
}

/** A gauge; one of our own with a unit ends in it, in base units such as `_bytes`. */
export function gauge<const Labels extends readonly string[]>(
  name: string,
  help: string,
  ...labels: Labels
): GaugeDefinition<Labels> {
  return { kind: "gauge", name, help, labels };
}

/** A histogram; one of our own with a unit ends in it, in base units such as `_seconds`. */
export function histogram<const Labels extends readonly string[]>(
  name: string,
  help: string,
  limits: Float64Array,
  ...labels: Labels
): HistogramDefinition<Labels> {
  return { kind: "histogram", name, help, limits, labels };
}

/** A latency as TensorFlow Serving counts it. */
export function latency<const Labels extends readonly string[]>(
  name: string,
  help: string,
  limitsInMicroseconds: Float64Array,
  ...labels: Labels
): HistogramDefinition<Labels> {
  return { ...histogram(name, help, limitsInMicroseconds, ...labels), unit: "microseconds" };
}

/** How many numbers a cell of this metric takes: one, or for a histogram its sum and its buckets. */
export function cellWidth(definition: MetricDefinition): number {
  return definition.kind === "histogram" ? definition.limits.length + 2 : 1;
}

/** `count` limits: `first`, `first * factor`, `first * factor^2` ... */
export function exponentialLimits(first: number, factor: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, power) => first * factor ** power);
}
