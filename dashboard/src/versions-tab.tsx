import { useState } from "preact/hooks";
import type { DashboardModel, DashboardSession } from "../../src/api/dashboard/dashboard-messages.ts";
import { Confirm } from "./confirm.tsx";
import { live } from "./live.ts";
import { faultText, useLoaded } from "./loaded.ts";
import { editConfig, policyOf } from "./model-config-edit.ts";
import { ScrollRegion } from "./region.tsx";
import { deleteModel, getConfig, putConfig, type TaggedConfig } from "./server-calls.ts";
import { StateBadge } from "./state-badge.tsx";
import { useStore } from "./store.ts";
import { bytes, duration, moment } from "./units.ts";
import { VersionControls } from "./version-controls.tsx";
import { VersionHistory } from "./version-history.tsx";
import { type Ask, isServed, loading, type Question, unloading } from "./version-questions.ts";

/** Versions of a model, what can be done with them, and what happened to them. */
export function VersionsTab({ model }: { readonly model: DashboardModel }) {
  const session = useStore(live.session);
  const [question, setQuestion] = useState<Question | undefined>(undefined);
  const [outcome, setOutcome] = useState<{ readonly tone: "ok" | "bad"; readonly text: string } | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const [changes, setChanges] = useState(0);
  const forbidden = whyNot(session);
  const config = useLoaded(
    async () => (forbidden === undefined ? await getConfig(model.name) : undefined),
    [model, forbidden, changes],
    { keep: true },
  );

  const act = async (edit: Question["edit"]) => {
    setBusy(true);
    try {
      // Read anew, so that what others changed since is kept.
      await change(model, edit, await getConfig(model.name));
      setOutcome({ tone: "ok", text: "The config has been changed. The versions follow in a moment." });
    } catch (fault) {
      setOutcome({ tone: "bad", text: faultText(fault) });
    }
    setBusy(false);
    setQuestion(undefined);
    setChanges((count) => count + 1);
  };

  const loaded = config.kind === "loaded" ? config.value : undefined;
  return (
    <>
      <section class="panel" aria-labelledby="versions">
        <div class="panel-head">
          <h2 id="versions">Versions</h2>
          {loaded !== undefined && <span class="muted">served: {policyOf(loaded.config)}</span>}
        </div>
        {forbidden !== undefined && <p class="notice">{forbidden}</p>}
        {forbidden === undefined && config.kind === "failed" && <p class="notice warn">{config.message}</p>}
        <p class={outcome === undefined ? "unseen" : `notice ${outcome.tone}`} role="status">
          {outcome?.text}
        </p>
        <VersionTable model={model} ask={loaded === undefined ? undefined : setQuestion} />
        {loaded !== undefined && <VersionControls model={model} loaded={loaded} ask={setQuestion} />}
      </section>
      <VersionHistory model={model} />
      {question !== undefined && (
        <Confirm
          title={question.title}
          action={question.action}
          dangerous={question.dangerous ?? false}
          busy={busy}
          confirm={() => void act(question.edit)}
          cancel={() => setQuestion(undefined)}
        >
          <p>{question.text}</p>
        </Confirm>
      )}
    </>
  );
}

/** Why models cannot be changed here, with the way out; undefined where they can. */
function whyNot(session: DashboardSession | undefined): string | undefined {
  if (session === undefined) return "Asking the server what you may do ...";
  if (!session.adminApi) {
    return "To load, unload and label versions here, start the server with --enable_admin_api.";
  }
  if (!session.grants.admin) {
    return `${session.name ?? "Who you are here"} may look, but not change models: that takes the admin grant.`;
  }
  return undefined;
}

async function change({ name, versions }: DashboardModel, edit: Question["edit"], { config, etag }: TaggedConfig): Promise<void> {
  if (edit.kind === "take-away") return deleteModel(name, etag);
  const served = versions.filter(isServed).map(({ version }) => version);
  return putConfig(name, editConfig(config, edit, served), etag);
}

function VersionTable({ model, ask }: { readonly model: DashboardModel; readonly ask: Ask | undefined }) {
  return (
    <ScrollRegion name="Versions">
      <table>
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">State</th>
            <th scope="col">Labels</th>
            <th scope="col">Platform</th>
            <th scope="col" class="number">
              Size
            </th>
            <th scope="col" class="number">
              Loaded in
            </th>
            <th scope="col">Loaded at</th>
            {ask && <th scope="col">Change</th>}
          </tr>
        </thead>
        <tbody>
          {model.versions.map((version) => (
            <tr key={version.version}>
              <th scope="row" class="version">
                {version.version}
              </th>
              <td>
                <StateBadge version={version} />
                {version.error && <span class="reason">{version.error.message}</span>}
              </td>
              <td>
                <Labels model={model} version={version.version} ask={ask} />
              </td>
              <td title={version.why}>{version.platform ?? "–"}</td>
              <td class="number">{version.fileBytes === undefined ? "–" : bytes(version.fileBytes)}</td>
              <td class="number">{version.loadMs === undefined ? "–" : duration(version.loadMs)}</td>
              <td>{version.loadedAtMs === undefined ? "–" : moment(version.loadedAtMs)}</td>
              {ask && (
                <td>
                  {isServed(version) ? (
                    <button type="button" class="small" onClick={() => ask(unloading(model, version.version))}>
                      Unload <span class="unseen">version {version.version}</span>
                    </button>
                  ) : (
                    <button type="button" class="small" onClick={() => ask(loading(version.version))}>
                      Load <span class="unseen">version {version.version}</span>
                    </button>
                  )}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}

interface LabelsProps {
  readonly model: DashboardModel;
  readonly version: string;
  readonly ask: Ask | undefined;
}

function Labels({ model, version, ask }: LabelsProps) {
  const labels = Object.entries(model.labels).filter(([, labelled]) => labelled === version);
  if (labels.length === 0) return <>–</>;
  return (
    <>
      {labels.map(([label]) => (
        <span key={label} class="badge label">
          {label}
          {ask && (
            <button
              type="button"
              class="remove"
              aria-label={`Remove label ${label}`}
              onClick={() =>
                ask({
                  title: `Remove label ${label}?`,
                  action: "Remove",
                  text: `Requests for the label ${label} will be refused. Its share of a traffic split goes too.`,
                  dangerous: true,
                  edit: { kind: "remove-label", label },
                })
              }
            >
              ×
            </button>
          )}
        </span>
      ))}
    </>
  );
}
