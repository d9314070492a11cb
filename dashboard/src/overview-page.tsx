import { useMemo, useState } from "preact/hooks";
import type { DashboardState, ServerFacts } from "../../src/api/dashboard/dashboard-messages.ts";
import { Choice } from "./choice.tsx";
import { useClock } from "./connection-status.tsx";
import { type Scope, seriesOf, summaryOf } from "./figures-window.ts";
import { live } from "./live.ts";
import { ModelTable } from "./model-table.tsx";
import { type Line, Plot } from "./plot.tsx";
import { Preformatted } from "./region.tsx";
import { absolute } from "./server-calls.ts";
import { useStore } from "./store.ts";
import { age, bytes, duration, percent, short } from "./units.ts";

/** What is served, and how it fares. */
export function OverviewPage() {
  const state = useStore(live.state);
  const connection = useStore(live.connection);
  const seesFigures = useStore(live.session)?.grants.metrics !== false;
  if (state === undefined) {
    return (
      <div class="panel empty">
        <h1>Overview</h1>
        <p>
          {connection.kind === "waiting"
            ? `Nothing can be shown: ${connection.reason}.`
            : connection.kind === "signed-out"
              ? "Nothing can be shown before you sign in."
              : "Asking the server ..."}
        </p>
      </div>
    );
  }
  return (
    <>
      <div class="page-head">
        <h1>Overview</h1>
        <Facts server={state.server} models={state.models.length} />
      </div>
      {state.models.length === 0 ? <NoModels /> : seesFigures ? <Traffic state={state} /> : <NoFigures />}
      {state.models.length > 0 && <ModelTable models={state.models} />}
    </>
  );
}

function Facts({ server, models }: { readonly server: ServerFacts; readonly models: number }) {
  const now = useClock(10_000);
  return (
    <p class="facts">
      <span class={`badge ${server.ready ? "ok" : "warn"}`}>{server.ready ? "ready" : "not ready"}</span>
      <span>{`${models} ${models === 1 ? "model" : "models"}`}</span>
      <span>modelport {server.version}</span>
      <span>Node {server.nodeVersion.replace(/^v/, "")}</span>
      <span>{`${server.servingThreads} serving ${server.servingThreads === 1 ? "thread" : "threads"}`}</span>
      <span>up {age(now - server.startedAtMs)}</span>
    </p>
  );
}

const SPANS = [
  ["60", "1 min"],
  ["300", "5 min"],
] as const;

function Traffic({ state }: { readonly state: DashboardState }) {
  const figures = useStore(live.figures);
  const [shown, setShown] = useState<"60" | "300">("60");
  const span = Number(shown);
  const [chosen, setChosen] = useState("[]");
  const scopes = useMemo(() => scopesOf(state), [state]);
  const scope = scopes.find(({ key }) => key === chosen) ?? scopes[0]!;
  const newest = figures.at(-1);
  const series = useMemo(
    () => seriesOf(figures, scope.scope, (newest?.atMs ?? 0) - span * 1000 - 2000),
    [figures, scope.key, span],
  );
  const requests: readonly Line[] = useMemo(
    () => [
      { name: "all", colour: "--line-1", filled: true, values: series.requests },
      { name: "refused or failed", colour: "--line-bad", values: series.errors },
    ],
    [series],
  );
  const latency: readonly Line[] = useMemo(
    () => [
      { name: "p50", colour: "--line-2", values: series.p50 },
      { name: "p95", colour: "--line-3", values: series.p95 },
      { name: "p99", colour: "--line-4", values: series.p99 },
    ],
    [series],
  );
  const now = summaryOf(figures, scope.scope);
  return (
    <section class="panel" aria-labelledby="traffic">
      <div class="panel-head">
        <h2 id="traffic">Traffic</h2>
        <label class="field-inline">
          <span class="unseen">Of which model</span>
          <select value={scope.key} onChange={(event) => setChosen(event.currentTarget.value)}>
            {scopes.map(({ key, name }) => (
              <option key={key} value={key}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <Choice name="Time shown" options={SPANS} chosen={shown} choose={setShown} />
      </div>
      <dl class="tiles">
        <Tile name="Requests" value={`${short(now.requests)} /s`} />
        <Tile name="Errors" value={percent(now.errorShare)} tone={now.errorShare > 0.01 ? "bad" : ""} />
        <Tile name="Latency p50" value={now.p50 === undefined ? "–" : duration(now.p50)} />
        <Tile name="Latency p99" value={now.p99 === undefined ? "–" : duration(now.p99)} />
        <Tile name="CPU" value={newest ? `${newest.cpu.toFixed(2)} cores` : "–"} />
        <Tile name="Memory" value={newest ? bytes(newest.rssBytes) : "–"} />
        <Tile name="Connections" value={newest ? String(newest.openConnections) : "–"} />
      </dl>
      <div class="plots">
        <Plot title="Requests" unit="/s" at={series.at} lines={requests} span={span} />
        <Plot title={scope.several ? "Latency of the slowest" : "Latency"} unit="ms" at={series.at} lines={latency} span={span} />
      </div>
    </section>
  );
}

function NoFigures() {
  return <p class="panel notice">Requests, errors and latency are for who has the metrics grant.</p>;
}

function Tile({ name, value, tone = "" }: { readonly name: string; readonly value: string; readonly tone?: string }) {
  return (
    <div class={`tile ${tone}`}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

interface NamedScope {
  readonly key: string;
  readonly name: string;
  readonly scope: Scope;
  readonly several: boolean;
}

function scopesOf({ models }: DashboardState): readonly NamedScope[] {
  const scopes: NamedScope[] = [{ key: "[]", name: "All models", scope: {}, several: true }];
  for (const { name: model, versions } of models) {
    scopes.push({ key: JSON.stringify([model]), name: model, scope: { model }, several: versions.length > 1 });
    if (versions.length < 2) continue;
    for (const { version } of versions) {
      scopes.push({
        key: JSON.stringify([model, version]),
        name: `${model}, version ${version}`,
        scope: { model, version },
        several: false,
      });
    }
  }
  return scopes;
}

function NoModels() {
  const url = absolute("../v1/config/models/my_model");
  return (
    <section class="panel empty" aria-labelledby="none">
      <h2 id="none">No model yet</h2>
      <p>Start the server with a folder that holds one, an ONNX file or a SavedModel, say:</p>
      <Preformatted name="Command that starts a server">modelport ./my_model</Preformatted>
      <p>
        or, on a server that was started with <code>--enable_admin_api</code>, name it while the server runs:
      </p>
      <Preformatted name="Command that adds a model">{`curl -X PUT -H 'content-type: application/json' '${url}' \\\n  -d '{"base_path": "/models/my_model"}'`}</Preformatted>
      <p>It appears here as soon as it loads; nothing has to be reloaded.</p>
    </section>
  );
}
