import type { DashboardFigures, DashboardModel, DashboardVersion } from "../../src/api/dashboard/dashboard-messages.ts";
import { seriesOf, summaryOf } from "./figures-window.ts";
import { live } from "./live.ts";
import { ScrollRegion } from "./region.tsx";
import { printRoute } from "./route.ts";
import { Sparkline } from "./sparkline.tsx";
import { StateBadge } from "./state-badge.tsx";
import { useStore } from "./store.ts";
import { bytes, duration, percent, short } from "./units.ts";

/** All models with their versions, a row each. */
export function ModelTable({ models }: { readonly models: readonly DashboardModel[] }) {
  const figures = useStore(live.figures);
  return (
    <section class="panel" aria-labelledby="models">
      <div class="panel-head">
        <h2 id="models">Models</h2>
      </div>
      <ScrollRegion name="Models and versions">
        <table class="models">
          <thead>
            <tr>
              <th scope="col">Model</th>
              <th scope="col">Version</th>
              <th scope="col">State</th>
              <th scope="col">Platform</th>
              <th scope="col" class="number">
                Size
              </th>
              <th scope="col" class="number">
                Memory
              </th>
              <th scope="col" class="number">
                Loaded in
              </th>
              <th scope="col" class="number">
                Requests
              </th>
              <th scope="col">Last minute</th>
              <th scope="col" class="number">
                Errors
              </th>
              <th scope="col" class="number">
                p99
              </th>
            </tr>
          </thead>
          {models.map((model) => (
            <tbody key={model.name}>
              {model.versions.length === 0 ? (
                <tr>
                  <ModelName model={model} rows={1} />
                  <td colSpan={10} class="muted">
                    no version found in its folder
                  </td>
                </tr>
              ) : (
                model.versions.map((version, index) => (
                  <VersionRow key={version.version} model={model} version={version} first={index === 0} figures={figures} />
                ))
              )}
            </tbody>
          ))}
        </table>
      </ScrollRegion>
    </section>
  );
}

function ModelName({ model, rows }: { readonly model: DashboardModel; readonly rows: number }) {
  return (
    <th scope="rowgroup" rowSpan={rows} class="model-name">
      <a href={printRoute({ page: "model", model: model.name })}>{model.name}</a>
    </th>
  );
}

interface VersionRowProps {
  readonly model: DashboardModel;
  readonly version: DashboardVersion;
  readonly first: boolean;
  readonly figures: readonly DashboardFigures[];
}

function VersionRow({ model, version, first, figures }: VersionRowProps) {
  const scope = { model: model.name, version: version.version };
  const newest = figures.at(-1)?.atMs ?? 0;
  const now = summaryOf(figures, scope);
  const minute = seriesOf(figures, scope, newest - 60_000);
  const labels = Object.entries(model.labels).filter(([, labelled]) => labelled === version.version);
  return (
    <tr>
      {first && <ModelName model={model} rows={model.versions.length} />}
      <td>
        <span class="version">{version.version}</span>
        {labels.map(([label]) => (
          <span key={label} class="badge label" title={`label ${label}`}>
            {label}
          </span>
        ))}
      </td>
      <td>
        <StateBadge version={version} />
        {version.error && <span class="reason">{version.error.message}</span>}
      </td>
      <td title={version.why}>{version.platform ?? "–"}</td>
      <td class="number">{version.fileBytes === undefined ? "–" : bytes(version.fileBytes)}</td>
      <td class="number">{version.memoryBytes === undefined ? "–" : bytes(version.memoryBytes)}</td>
      <td class="number">{version.loadMs === undefined ? "–" : duration(version.loadMs)}</td>
      <td class="number">{now.requests === 0 ? "–" : `${short(now.requests)} /s`}</td>
      <td class="spark-cell">
        <Sparkline at={minute.at} values={minute.requests} span={60} />
      </td>
      <td class={`number ${now.errorShare > 0.01 ? "bad-text" : ""}`}>{now.requests === 0 ? "–" : percent(now.errorShare)}</td>
      <td class="number">{now.p99 === undefined ? "–" : duration(now.p99)}</td>
    </tr>
  );
}
