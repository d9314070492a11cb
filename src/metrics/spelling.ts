import type { MetricDefinition } from "./definition.ts";

/** Whose conventions a page follows. */
export type PageStyle = "tensorflow-serving" | "prometheus";

const MICROSECONDS_PER_SECOND = 1_000_000;

/** How one page writes a metric. */
export interface Spelling {
  readonly name: string;
  /** In the order of the definition. */
  readonly labels: readonly string[];
  /** What values and limits are divided by. */
  readonly divisor: number;
}

/**
 * How a page of that style writes a metric.
 *
 * TensorFlow Serving's is its exporter's rule: `/tensorflow/serving/request_count` is `:tensorflow:serving:request_count`,
 * and values stay as they are. Prometheus's drops what leads, writes `_` for what separates, ends a counter in `_total`
 * (`tensorflow_serving_requests_total`), shows microseconds as seconds, and has no capitals in labels. Our own names are
 * the same in both.
 */
export function spelling(definition: MetricDefinition, style: PageStyle): Spelling {
  if (style === "tensorflow-serving") {
    return { name: metricName(definition.name), labels: definition.labels.map(labelName), divisor: 1 };
  }
  const seconds = definition.kind === "histogram" && definition.unit === "microseconds";
  return {
    name: prometheusName(definition),
    labels: definition.labels.map((label) => labelName(label).toLowerCase()),
    divisor: seconds ? MICROSECONDS_PER_SECOND : 1,
  };
}

/** The name of a metric on TensorFlow Serving's page. */
export function metricName(name: string): string {
  return neverDigitFirst(name.replace(/[^a-zA-Z0-9_]/g, ":"));
}

function prometheusName(definition: MetricDefinition): string {
  const name = neverDigitFirst(definition.name.replace(/^[^a-zA-Z0-9_]+/, "").replace(/[^a-zA-Z0-9_]+/g, "_"));
  switch (definition.kind) {
    case "counter":
      return name.endsWith("_count") || name.endsWith("_count_total")
        ? name.replace(/_count(_total)?$/, "s_total")
        : name.replace(/(_total)?$/, "_total");
    case "histogram":
      return definition.unit === "microseconds" ? `${name}_seconds` : name;
    case "gauge":
      return name;
  }
}

function labelName(name: string): string {
  return neverDigitFirst(name.replace(/[^a-zA-Z0-9]/g, "_"));
}

function neverDigitFirst(name: string): string {
  return /^[0-9]/.test(name) ? `_${name}` : name;
}
