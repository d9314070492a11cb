import type { MetricDefinition } from "./definition.ts";
import { type PageStyle, spelling } from "./spelling.ts";

/** Writes the lines of one metric in the text form of Prometheus; a newline ends every line. */
export interface MetricWriter {
  /** The metric's name on the page. */
  readonly name: string;
  /** The HELP and TYPE lines, which come before any cell. */
  readonly head: string;
  /** Label names and values as they stand between the braces, for {@link MetricWriter.cell}. */
  labels(values: readonly string[]): string;
  /** The lines of one cell; `values` is one number, or for a histogram the sum and then one count for each bucket. */
  cell(labels: string, values: ArrayLike<number>): string;
}

/** The writer of a metric on a page of that style. */
export function metricWriter(definition: MetricDefinition, style: PageStyle): MetricWriter {
  const { name, labels: labelNames, divisor } = spelling(definition, style);
  // TensorFlow Serving prints the braces of a metric without labels too.
  const braced = (labels: string) => (labels === "" && style === "prometheus" ? "" : `{${labels}}`);
  return {
    name,
    head: `# HELP ${name} ${escapeHelp(definition.help)}\n# TYPE ${name} ${definition.kind}\n`,
    labels: (values) => labelNames.map((label, index) => `${label}="${escapeLabel(values[index] ?? "")}"`).join(","),
    cell:
      definition.kind === "histogram"
        ? histogramCell(name, definition.limits, divisor, braced)
        : (labels, values) => `${name}${braced(labels)} ${figure(values[0]!)}\n`,
  };
}

function histogramCell(
  name: string,
  limits: Float64Array,
  divisor: number,
  braced: (labels: string) => string,
): MetricWriter["cell"] {
  const bounds = [...limits].map((limit) => `le="${sixDigits(limit / divisor)}"} `);
  bounds.push('le="+Inf"} ');
  return (labels, values) => {
    const prefix = `${name}_bucket{${labels}${labels === "" ? "" : ","}`;
    let text = "";
    let count = 0;
    for (let bucket = 0; bucket < bounds.length; bucket++) {
      count += values[1 + bucket]!;
      text += `${prefix}${bounds[bucket]!}${count}\n`;
    }
    const end = braced(labels);
    return `${text}${name}_sum${end} ${figure(values[0]! / divisor)}\n${name}_count${end} ${count}\n`;
  };
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
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
