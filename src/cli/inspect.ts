import { systemClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import type { ServerOptions } from "../config/server-options.ts";
import { modelSet } from "../control/model-set.ts";
import { type LoadReport, PlatformLoader } from "../control/platform-loader.ts";
import { servableVersions } from "../control/servable-versions.ts";
import { createRuntimes } from "../runtimes/registry.ts";
import { modelTable, type TableRow } from "./model-table.ts";
import { servingOptions } from "./resolved-options.ts";
import { locateTensorFlow } from "./tensorflow-library.ts";

/**
 * Loads every model that `serve` would, prints the table that it would, and lets them go. Resolves with the exit code: 0 when
 * all could be loaded, else 1.
 */
export async function inspect(options: ServerOptions, print: (text: string) => void): Promise<number> {
  const models = await modelSet(options.models, options.modelConfigRootDir).read();
  if (models.length === 0) throw new ServingError("invalid-argument", "no model was found at the path given");
  const { runtimes: runtimeOptions } = await servingOptions(options);
  const log = createLog(options.logLevel);
  const runtimes = createRuntimes(runtimeOptions, { locateTensorFlow: locateTensorFlow(options.tensorflow, log), log });
  const rows: TableRow[] = [];
  for (const model of models) {
    const versions = await servableVersions(model);
    if (versions.length === 0) rows.push(failedRow(model.name, "-", "there is no version to serve"));
    for (const { version, path } of versions) {
      let outcome: LoadReport | undefined;
      const report = (found: LoadReport) => {
        outcome = found;
      };
      const loader = new PlatformLoader({ name: model.name, version }, path, model.platform, {
        runtimes,
        clock: systemClock,
        tensorflow: model.tensorflow,
        savedModelTags: options.tensorflow.savedModelTags,
        python: model.python,
        serverPython: options.python,
        report,
      });
      await loader.load(new AbortController().signal).then(
        () => loader.unload(),
        () => undefined,
      );
      rows.push(row(model.name, version, outcome));
    }
  }
  print(`${modelTable(rows)}\n`);
  return rows.every((each) => each.error === undefined) ? 0 : 1;
}

function row(model: string, version: bigint, outcome: LoadReport | undefined): TableRow {
  return {
    model,
    version: String(version),
    platform: outcome?.platform ?? "-",
    why: outcome?.why ?? "-",
    state: outcome?.error === undefined ? "LOADS" : "FAILS",
    signatures: outcome?.model?.signatures ?? new Map(),
    ...(outcome?.error && { error: outcome.error.message }),
  };
}

function failedRow(model: string, version: string, error: string): TableRow {
  return { model, version, platform: "-", why: "-", state: "FAILS", signatures: new Map(), error };
}
