/** One line of figures. */
export interface Series {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** One metric of a page. */
export interface Family {
  readonly help: string;
  readonly type: string;
  readonly series: readonly Series[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: [""],
  gauge: [""],
  histogram: ["_bucket", "_sum", "_count"],
};

/**
 * Reads a page in the text form of Prometheus, version 0.0.4, as strictly as its description: HELP, TYPE and then the lines
 * of one metric after the other, no metric and no series twice, histograms whole and rising. Throws at what is otherwise.
 */
export function parseExposition(page: string): ReadonlyMap<string, Family> {
  if (!page.endsWith("\n")) throw new Error("the last line has no end");
  const families = new Map<string, { help: string; type: string; series: Series[] }>();
  const seen = new Set<string>();
  let current = "";
  for (const line of page.slice(0, -1).split("\n")) {
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind, name, rest] = comment as unknown as [string, string, string, string];
      if (!NAME.test(name)) throw new Error(`no name of a metric: ${line}`);
      if (kind === "HELP") {
        if (families.has(name)) throw new Error(`comes twice: ${line}`);
        families.set(name, { help: rest, type: "", series: [] });
        current = name;
        continue;
      }
      const family = families.get(name);
      if (name !== current || family === undefined || family.type !== "") throw new Error(`without its HELP: ${line}`);
      if (!(rest in SUFFIXES)) throw new Error(`no type: ${line}`);
      family.type = rest;
      continue;
    }
    const series = parseSeries(line);
    const family = families.get(current);
    if (family === undefined || !SUFFIXES[family.type]?.some((suffix) => series.name === current + suffix)) {
      throw new Error(`below another metric: ${line}`);
    }
    const key = JSON.stringify([series.name, ...series.labels]);
    if (seen.has(key)) throw new Error(`comes twice: ${line}`);
    seen.add(key);
    family.series.push(series);
  }
  for (const [name, family] of families) if (family.type === "histogram") checkHistogram(name, family);
  return families;
}

function parseSeries(line: string): Series {
  const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})? (\S+)$/.exec(line);
  if (match === null) throw new Error(`no line of figures: ${line}`);
  const [, name, inside = "", figure] = match as unknown as [string, string, string | undefined, string];
  const labels = new Map<string, string>();
  const pair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/y;
  while (pair.lastIndex < inside.length) {
    const found = pair.exec(inside);
    if (found === null || labels.has(found[1]!)) throw new Error(`labels of ${line}`);
    labels.set(found[1]!, found[2]!);
  }
  const value = figure === "+Inf" ? Number.POSITIVE_INFINITY : figure === "-Inf" ? Number.NEGATIVE_INFINITY : Number(figure);
  if (Number.isNaN(value)) throw new Error(`no number: ${line}`);
  return { name, labels, value };
}

function checkHistogram(name: string, { series }: Family): void {
  const cells = new Map<string, { bounds: number[]; counts: number[]; sums: number; count: number | undefined }>();
  for (const { name: full, labels, value } of series) {
    const key = JSON.stringify([...labels].filter(([label]) => label !== "le"));
    const cell = cells.get(key) ?? { bounds: [], counts: [], sums: 0, count: undefined };
    cells.set(key, cell);
    if (full.endsWith("_sum")) cell.sums++;
    else if (full.endsWith("_count")) cell.count = value;
    else {
      const bound = labels.get("le");
      cell.bounds.push(bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound));
      cell.counts.push(value);
    }
  }
  for (const { bounds, counts, sums, count } of cells.values()) {
    const rises = (list: readonly number[], strictly: boolean) =>
      list.every((value, at) => at === 0 || (strictly ? value > list[at - 1]! : value >= list[at - 1]!));
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY || !rises(bounds, true)) throw new Error(`limits of ${name}`);
    if (!rises(counts, false) || counts.at(-1) !== count || sums !== 1) throw new Error(`counts of ${name}`);
  }
}
