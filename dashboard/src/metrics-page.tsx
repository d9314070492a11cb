import { useMemo, useState } from "preact/hooks";
import { live } from "./live.ts";
import { useLoaded } from "./loaded.ts";
import { type Family, histogramsOf, parsePrometheus, quantileOf } from "./prometheus-text.ts";
import { ScrollRegion } from "./region.tsx";
import { getText, paths } from "./server-calls.ts";
import { useStore } from "./store.ts";
import { age, bytes, duration, short } from "./units.ts";

/** What metrics begin with, and what those are about. */
const GROUPS: readonly (readonly [prefix: string, name: string])[] = [
  ["tensorflow_serving_", "Requests and batching"],
  ["modelport_", "modelport"],
  ["process_", "Process"],
  ["nodejs_", "Node"],
  ["", "Other"],
];

/** The page of metrics in groups that people can read, for who has the grant. */
export function MetricsPage() {
  const session = useStore(live.session);
  if (session === undefined) return <p class="muted">Asking the server ...</p>;
  if (session.grants.metrics) return <Metrics />;
  return (
    <>
      <div class="page-head">
        <h1>Metrics</h1>
      </div>
      <p class="panel notice">Metrics are for who has the metrics grant.</p>
    </>
  );
}

function Metrics() {
  const [asked, setAsked] = useState(0);
  const [sought, setSought] = useState("");
  const page = useLoaded(() => getText(paths.metrics), [asked], { keep: true });
  const families = useMemo(() => (page.kind === "loaded" ? parsePrometheus(page.value) : []), [page]);
  const found = families.filter((family) => matches(family, sought));
  return (
    <>
      <div class="page-head">
        <h1>Metrics</h1>
        <p class="muted">
          What Prometheus reads at <a href={paths.metrics}>/metrics</a>
        </p>
      </div>
      <div class="toolbar">
        <label class="field-inline grow">
          <span class="unseen">Search metrics</span>
          <input
            type="search"
            placeholder="Search names, labels and meanings"
            value={sought}
            onInput={(event) => setSought(event.currentTarget.value)}
          />
        </label>
        <span class="muted" role="status">
          {page.kind === "loaded" ? `${found.length} of ${families.length}` : ""}
        </span>
        <button type="button" onClick={() => setAsked((count) => count + 1)}>
          Read again
        </button>
      </div>
      {page.kind === "failed" && <p class="panel notice bad">{page.message}</p>}
      {page.kind === "loading" && <p class="muted">Asking the server ...</p>}
      {GROUPS.map(([prefix, name]) => {
        const members = found.filter((family) => groupOf(family) === prefix);
        return (
          members.length > 0 && (
            <section key={prefix} class="panel" aria-labelledby={`group-${prefix}`}>
              <div class="panel-head">
                <h2 id={`group-${prefix}`}>{name}</h2>
              </div>
              {members.map((family) => (
                <FamilyView key={family.name} family={family} open={sought !== ""} />
              ))}
            </section>
          )
        );
      })}
    </>
  );
}

function groupOf({ name }: Family): string {
  return GROUPS.find(([prefix]) => name.startsWith(prefix))![0];
}

function matches({ name, help, samples }: Family, sought: string): boolean {
  const words = sought.toLowerCase().split(/\s+/);
  const text = [name, help, ...samples.flatMap(({ labels }) => [...labels.values()])].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

function FamilyView({ family, open }: { readonly family: Family; readonly open: boolean }) {
  const { name, type, help, samples } = family;
  const single = samples.length === 1 && samples[0]!.labels.size === 0 ? samples[0] : undefined;
  return (
    <details class="family" open={open && single === undefined}>
      <summary>
        <code>{name}</code>
        <span class="badge off">{type}</span>
        <span class="help">{help}</span>
        {single ? <b>{quantity(name, single.value)}</b> : <span class="muted">{countOf(family)}</span>}
      </summary>
      {samples.length > 0 && (type === "histogram" ? <HistogramTable family={family} /> : <SampleTable family={family} />)}
    </details>
  );
}

/** How many lines wait below. */
function countOf(family: Family): string {
  const count = family.type === "histogram" ? histogramsOf(family).length : family.samples.length;
  return count === 0 ? "nothing yet" : `${count} series`;
}

function SampleTable({ family: { name, samples } }: { readonly family: Family }) {
  const labels = [...new Set(samples.flatMap((sample) => [...sample.labels.keys()]))];
  return (
    <ScrollRegion name={name}>
      <table>
        <thead>
          <tr>
            {labels.map((label) => (
              <th key={label} scope="col">
                {label}
              </th>
            ))}
            <th scope="col" class="number">
              Value
            </th>
          </tr>
        </thead>
        <tbody>
          {samples.map((sample) => (
            <tr key={`${sample.name} ${JSON.stringify([...sample.labels])}`}>
              {labels.map((label) => (
                <td key={label}>{sample.labels.get(label) ?? ""}</td>
              ))}
              <td class="number" title={String(sample.value)}>
                {quantity(name, sample.value)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}

const SHARES = [0.5, 0.9, 0.99] as const;

function HistogramTable({ family }: { readonly family: Family }) {
  const histograms = histogramsOf(family);
  const labels = [...new Set(histograms.flatMap((histogram) => [...histogram.labels.keys()]))];
  return (
    <ScrollRegion name={family.name}>
      <table>
        <thead>
          <tr>
            {labels.map((label) => (
              <th key={label} scope="col">
                {label}
              </th>
            ))}
            {["Count", "Mean", "p50", "p90", "p99"].map((name) => (
              <th key={name} scope="col" class="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {histograms.map((histogram) => (
            <tr key={JSON.stringify([...histogram.labels])}>
              {labels.map((label) => (
                <td key={label}>{histogram.labels.get(label) ?? ""}</td>
              ))}
              <td class="number">{short(histogram.count)}</td>
              <td class="number">{histogram.count === 0 ? "–" : quantity(family.name, histogram.sum / histogram.count)}</td>
              {SHARES.map((share) => {
                const value = quantileOf(histogram, share);
                return (
                  <td key={share} class="number">
                    {value === undefined ? "–" : quantity(family.name, value)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}

/** A value in the unit that a metric's name tells. */
function quantity(name: string, value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (/_(start_time|timestamp)_seconds$/.test(name)) {
    const passed = Date.now() - value * 1000;
    return passed < 0 ? `in ${age(-passed)}` : `${age(passed)} ago`;
  }
  if (/_seconds(_total)?$/.test(name)) return value === 0 ? "0 s" : duration(value * 1000);
  if (/_bytes(_total)?$/.test(name)) return bytes(value);
  return short(value);
}
