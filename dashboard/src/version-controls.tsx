import { useState } from "preact/hooks";
import type { DashboardModel } from "../../src/api/dashboard/dashboard-messages.ts";
import { policyOf } from "./model-config-edit.ts";
import type { TaggedConfig } from "./server-calls.ts";
import { type Ask, loading } from "./version-questions.ts";

interface ControlsProps {
  readonly model: DashboardModel;
  readonly loaded: TaggedConfig;
  readonly ask: Ask;
}

/** Sets labels, loads versions that are not listed, and what else there is to do with a model. */
export function VersionControls({ model, loaded, ask }: ControlsProps) {
  const [version, setVersion] = useState("");
  const [label, setLabel] = useState("");
  const available = model.versions.filter(({ state }) => state === "AVAILABLE").map((one) => one.version);
  const [chosen, setChosen] = useState("");
  const target = available.includes(chosen) ? chosen : (available[0] ?? "");
  const follows = policyOf(loaded.config) === "latest 1";
  const moved = model.labels[label];
  return (
    <div class="controls">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          ask({
            title: moved === undefined ? `Label version ${target} as ${label}?` : `Move label ${label} to version ${target}?`,
            action: moved === undefined ? "Label" : "Move",
            text:
              moved === undefined
                ? `Requests for the label ${label} will be answered by version ${target}.`
                : `Requests for the label ${label} are answered by version ${moved} now.`,
            edit: { kind: "set-label", label, version: target },
          });
        }}
      >
        <div class="field">
          <label for="label">Label</label>
          <input
            id="label"
            type="text"
            required
            maxLength={200}
            autocomplete="off"
            value={label}
            onInput={(event) => setLabel(event.currentTarget.value)}
          />
        </div>
        <div class="field">
          <label for="label-version">of version</label>
          <select id="label-version" value={target} onChange={(event) => setChosen(event.currentTarget.value)}>
            {available.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </div>
        <button type="submit" disabled={target === ""}>
          Set label
        </button>
      </form>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          ask(loading(BigInt(version).toString()));
        }}
      >
        <div class="field">
          <label for="load-version">Version in the model's folder</label>
          <input
            id="load-version"
            type="text"
            inputMode="numeric"
            required
            pattern="[0-9]{1,19}"
            title="the name of a version's folder: a number"
            autocomplete="off"
            value={version}
            onInput={(event) => setVersion(event.currentTarget.value)}
          />
        </div>
        <button type="submit">Load version</button>
      </form>
      <div class="row">
        {!follows && (
          <button
            type="button"
            onClick={() =>
              ask({
                title: "Serve the latest version?",
                action: "Serve the latest",
                text: "Only the version with the highest number will be served, and newer ones are taken up as they appear.",
                edit: { kind: "serve-latest", count: 1 },
              })
            }
          >
            Follow the latest
          </button>
        )}
        <button
          type="button"
          class="danger-quiet"
          onClick={() =>
            ask({
              title: `Take ${model.name} away?`,
              action: "Take away",
              text: "All its versions are unloaded and its config is forgotten; its files stay. To bring it back, its config has to be put anew.",
              dangerous: true,
              edit: { kind: "take-away" },
            })
          }
        >
          Take the model away
        </button>
      </div>
    </div>
  );
}
