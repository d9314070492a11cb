interface Named<Labels extends readonly string[]> {
  /** A path such as `/tensorflow/serving/request_count`; the exposition turns it into `:tensorflow:serving:request_count`. */
  readonly name: string;
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
}

/** What a metric is called, counts and distinguishes. */
export type MetricDefinition = CounterDefinition | GaugeDefinition | HistogramDefinition;

/** One string for each label, in the order of the definition. */
export type LabelValues<Labels extends readonly string[]> = { readonly [Index in keyof Labels]: string };

/** How many numbers a cell of this metric takes: one, or for a histogram its sum and its buckets. */
export function cellWidth(definition: MetricDefinition): number {
  return definition.kind === "histogram" ? definition.limits.length + 2 : 1;
}

/** `count` limits: `first`, `first * factor`, `first * factor^2` ... */
export function exponentialLimits(first: number, factor: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, power) => first * factor ** power);
}
