import { MLMD_MAP, MODEL_MEMORY, MODEL_PROVENANCE, MODEL_VERSIONS, READY } from "../metrics/definitions.ts";
import type { Sample } from "../metrics/metrics-catalog.ts";
import type { ModelRow } from "./load-reports.ts";

/** What a core knows of its models. */
export interface KnownModels {
  /** The configured ones. */
  readonly models: readonly { readonly name: string }[];
  /** Whether each of those has an available version. */
  readonly ready: boolean;
  /** Every version known. */
  rows(): readonly ModelRow[];
}

/** What metrics tell of models and their versions at this moment; a configured model has a figure of available versions in any case, 0 included. */
export function modelFigures(core: KnownModels): readonly Sample[] {
  const samples: Sample[] = [{ definition: READY, labelValues: [], value: core.ready ? 1 : 0 }];
  for (const { name } of core.models) samples.push({ definition: MODEL_VERSIONS, labelValues: [name, "AVAILABLE"], value: 0 });
  for (const { name, version, state, load } of core.rows()) {
    samples.push({ definition: MODEL_VERSIONS, labelValues: [name, state], value: 1 });
    if (load?.model === undefined || state === "END") continue;
    if (load.ramBytes !== undefined) samples.push({ definition: MODEL_MEMORY, labelValues: [name], value: load.ramBytes });
    if (load.mlmdUuid === undefined) continue;
    samples.push({ definition: MLMD_MAP, labelValues: [name, String(version)], value: 1 });
    samples.push({ definition: MODEL_PROVENANCE, labelValues: [name, String(version), load.mlmdUuid], value: 1 });
  }
  return samples;
}
