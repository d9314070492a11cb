/** One line of a page of metrics. */
export interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** A metric with all its lines. */
export interface Family {
  readonly name: string;
  /** `counter`, `gauge`, `histogram`, `summary` or `untyped`. */
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** A histogram's cells under one set of labels. */
export interface Histogram {
  readonly labels: ReadonlyMap<string, string>;
  readonly count: number;
  readonly sum: number;
  /** Upper limits with how many were at most that, rising. */
  readonly buckets: readonly { readonly limit: number; readonly count: number }[];
}

const SAMPLE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"\s*,?\s*/gy;
const SUFFIX = /_(bucket|sum|count)$/;

/** Reads Prometheus's text format; lines that are not of it are passed over. */
export function parsePrometheus(text: string): readonly Family[] {
  const families = new Map<string, { name: string; type: string; help: string; samples: Sample[] }>();
  const family = (name: string) => {
    const known = families.get(name) ?? { name, type: "untyped", help: "", samples: [] };
    families.set(name, known);
    return known;
  };
  for (const line of text.split("\n")) {
    const comment = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line);
    if (comment !== null) {
      const [, word, name, rest] = comment as unknown as [string, string, string, string];
      if (word === "TYPE") family(name).type = rest.trim();
      else family(name).help = rest.replace(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
      continue;
    }
    const [, name, labels = "", value] = SAMPLE.exec(line) ?? [];
    if (name === undefined) continue;
    const base = name.replace(SUFFIX, "");
    const owner = families.has(base) && /histogram|summary/.test(families.get(base)!.type) ? base : name;
    family(owner).samples.push({ name, labels: labelsOf(labels), value: numberOf(value!) });
  }
  return [...families.values()];
}

/** The histograms of a family, one for each set of labels. */
export function histogramsOf({ name, samples }: Family): readonly Histogram[] {
  const found = new Map<
    string,
    { labels: ReadonlyMap<string, string>; count: number; sum: number; buckets: { limit: number; count: number }[] }
  >();
  for (const sample of samples) {
    const labels = new Map(sample.labels);
    labels.delete("le");
    const key = JSON.stringify([...labels]);
    const histogram = found.get(key) ?? { labels, count: 0, sum: 0, buckets: [] };
    found.set(key, histogram);
    if (sample.name === `${name}_sum`) histogram.sum = sample.value;
    else if (sample.name === `${name}_count`) histogram.count = sample.value;
    else histogram.buckets.push({ limit: numberOf(sample.labels.get("le") ?? "+Inf"), count: sample.value });
  }
  return [...found.values()];
}

/** The value below which a share of what was measured lies, straight lines drawn within buckets; undefined for an empty histogram. */
export function quantileOf({ buckets, count }: Histogram, share: number): number | undefined {
  if (count === 0) return undefined;
  const rank = share * count;
  let [limit, below] = [0, 0];
  for (const bucket of buckets) {
    if (bucket.count >= rank) {
      if (bucket.limit === Number.POSITIVE_INFINITY) return limit;
      return bucket.count === below ? bucket.limit : limit + ((bucket.limit - limit) * (rank - below)) / (bucket.count - below);
    }
    [limit, below] = [bucket.limit, bucket.count];
  }
  return limit;
}

function labelsOf(text: string): ReadonlyMap<string, string> {
  LABEL.lastIndex = 0;
  return new Map(
    [...text.matchAll(LABEL)].map(([, name, value]) => [
      name!,
      value!.replace(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped)),
    ]),
  );
}

function numberOf(text: string): number {
  return Number(text.replace(/^([+-]?)Inf$/, "$1Infinity"));
}
