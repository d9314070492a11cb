import type { MetricDefinition } from "./definition.ts";

/** One cell as it was read. */
export interface CellReading {
  readonly labelValues: readonly string[];
  /** One number; for a histogram the sum, then one count for each bucket. */
  readonly values: ArrayLike<number>;
}

/** A metric and its cells, in the order to print them. */
export interface MetricReading {
  readonly definition: MetricDefinition;
  readonly cells: readonly CellReading[];
}

/** The page in the text form of Prometheus, spelled as TensorFlow Serving spells it. A newline ends every line. */
export function exposition(metrics: readonly MetricReading[]): string {
  const lines: string[] = [];
  for (const { definition, cells } of metrics) {
    const name = metricName(definition.name);
    lines.push(`# TYPE ${name} ${definition.kind}\n`);
    const labelNames = definition.labels.map(labelName);
    for (const cell of cells) {
      const labels = labelNames.map((label, index) => `${label}="${escapeLabel(cell.labelValues[index] ?? "")}"`).join(",");
      if (definition.kind === "histogram") pushHistogram(lines, name, labels, definition.limits, cell.values);
      else lines.push(`${name}{${labels}} ${figure(cell.values[0]!)}\n`);
    }
  }
  return lines.join("");
}

function pushHistogram(lines: string[], name: string, labels: string, limits: Float64Array, values: ArrayLike<number>): void {
  const prefix = `${name}_bucket{${labels}${labels === "" ? "" : ","}le="`;
  let count = 0;
  for (let bucket = 0; bucket <= limits.length; bucket++) {
    count += values[1 + bucket]!;
    lines.push(`${prefix}${bucket < limits.length ? sixDigits(limits[bucket]!) : "+Inf"}"} ${count}\n`);
  }
  lines.push(`${name}_sum{${labels}} ${figure(values[0]!)}\n`, `${name}_count{${labels}} ${count}\n`);
}

/** The name the page gives to a metric. */
export function metricName(name: string): string {
  return neverDigitFirst(name.replace(/[^a-zA-Z0-9_]/g, ":"));
}

function labelName(name: string): string {
  return neverDigitFirst(name.replace(/[^a-zA-Z0-9]/g, "_"));
}

function neverDigitFirst(name: string): string {
  return /^[0-9]/.test(name) ? `_${name}` : name;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** A value in full. (TensorFlow Serving rounds a histogram's sum to six digits; readers of the number lose nothing by more.) */
function figure(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}

/** A bucket limit as C's `%g` writes it: it is a label, and dashboards match it by its text. */
function sixDigits(value: number): string {
  const [mantissa, exponent] = value.toExponential(5).split("e") as [string, string];
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(Number(value.toPrecision(6)));
  return `${Number(mantissa)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}
