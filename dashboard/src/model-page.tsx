import { useState } from "preact/hooks";
import type { DashboardModel, VersionDetail } from "../../src/api/dashboard/dashboard-messages.ts";
import { live } from "./live.ts";
import { useLoaded } from "./loaded.ts";
import { printRoute } from "./route.ts";
import { getVersion } from "./server-calls.ts";
import { SignatureTable } from "./signature-table.tsx";
import { StateBadge } from "./state-badge.tsx";
import { useStore } from "./store.ts";
import { TryIt } from "./try-it.tsx";
import { VersionsTab } from "./versions-tab.tsx";

interface ModelPageProps {
  readonly model: string;
  readonly tab: "model" | "versions";
}

/** One model: how it is called, a form to call it, and its versions. */
export function ModelPage({ model, tab }: ModelPageProps) {
  const state = useStore(live.state);
  const known = state?.models.find(({ name }) => name === model);
  return (
    <>
      <div class="page-head">
        <h1>
          <a href="#/" class="crumb">
            Models
          </a>
          <span class="crumb-mark" aria-hidden="true">
            /
          </span>
          {model}
        </h1>
        <nav class="tabs" aria-label="Parts of the model">
          <a href={printRoute({ page: "model", model })} aria-current={tab === "model" ? "page" : undefined}>
            Try it
          </a>
          <a href={printRoute({ page: "versions", model })} aria-current={tab === "versions" ? "page" : undefined}>
            Versions
          </a>
        </nav>
      </div>
      {state === undefined ? (
        <p class="muted">Asking the server ...</p>
      ) : known === undefined ? (
        <div class="panel empty">
          <h2>No such model</h2>
          <p>The server has no model of this name. It may have been taken away.</p>
        </div>
      ) : tab === "model" ? (
        <Callable model={known} />
      ) : (
        <VersionsTab model={known} />
      )}
    </>
  );
}

function Callable({ model }: { readonly model: DashboardModel }) {
  const served = model.versions.filter(({ state }) => state === "AVAILABLE");
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const version = served.find((one) => one.version === chosen) ?? served[0];
  if (version === undefined) return <NotServed model={model} />;
  return (
    <Version
      key={`${version.version} ${version.loadedAtMs}`}
      model={model}
      version={version.version}
      served={served.map((one) => one.version)}
      choose={setChosen}
    />
  );
}

interface VersionProps {
  readonly model: DashboardModel;
  readonly version: string;
  readonly served: readonly string[];
  readonly choose: (version: string) => void;
}

function Version({ model, version, served, choose }: VersionProps) {
  const detail = useLoaded(() => getVersion(model.name, version), [model.name, version]);
  if (detail.kind === "loading") return <p class="muted">Asking the server ...</p>;
  if (detail.kind === "failed") {
    return (
      <p class="panel notice bad" role="alert">
        {detail.message}
      </p>
    );
  }
  return <Signatures model={model} version={version} served={served} choose={choose} detail={detail.value} />;
}

function Signatures({ model, version, served, choose, detail }: VersionProps & { readonly detail: VersionDetail }) {
  const [name, setName] = useState<string | undefined>(undefined);
  const preferred = detail.signatures.find((one) => one.name === "serving_default" && one.uncallable === undefined);
  const callable = detail.signatures.find(({ uncallable }) => uncallable === undefined);
  const signature = detail.signatures.find((one) => one.name === name) ?? preferred ?? callable ?? detail.signatures[0];
  const about = model.versions.find((one) => one.version === version);
  return (
    <>
      <section class="panel" aria-labelledby="signature">
        <div class="panel-head">
          <h2 id="signature">Signature</h2>
          <label class="field-inline">
            Version
            <select value={version} onChange={(event) => choose(event.currentTarget.value)}>
              {served.map((one) => (
                <option key={one} value={one}>
                  {one}
                  {labelsOf(model, one)}
                </option>
              ))}
            </select>
          </label>
          <label class="field-inline">
            Signature
            <select value={signature?.name} onChange={(event) => setName(event.currentTarget.value)}>
              {detail.signatures.map((one) => (
                <option key={one.name} value={one.name}>
                  {one.name}
                </option>
              ))}
            </select>
          </label>
          {about?.platform && (
            <span class="muted platform" title={about.why}>
              {about.platform}
            </span>
          )}
        </div>
        {signature === undefined ? <p class="muted pad">It has no signature.</p> : <SignatureTable signature={signature} />}
      </section>
      {signature !== undefined && signature.uncallable === undefined && (
        <TryIt
          key={signature.name}
          model={model.name}
          version={version === served[0] && served.length === 1 ? undefined : version}
          signature={signature}
          example={detail.example}
        />
      )}
    </>
  );
}

function labelsOf({ labels }: DashboardModel, version: string): string {
  const names = Object.entries(labels).filter(([, labelled]) => labelled === version);
  return names.length === 0 ? "" : ` (${names.map(([label]) => label).join(", ")})`;
}

function NotServed({ model }: { readonly model: DashboardModel }) {
  const newest = model.versions[0];
  return (
    <div class="panel empty">
      <h2>No version is available</h2>
      {newest === undefined ? (
        <p>No version has been found in the model's folder. A version is a folder with a number for a name.</p>
      ) : (
        <>
          <p>
            Version {newest.version} is <StateBadge version={newest} />
          </p>
          {newest.error && (
            <p class="notice bad">
              <code>{newest.error.code}</code> {newest.error.message}
            </p>
          )}
          <p>
            What happened is in the <a href={printRoute({ page: "versions", model: model.name })}>history of its versions</a>.
          </p>
        </>
      )}
    </div>
  );
}
