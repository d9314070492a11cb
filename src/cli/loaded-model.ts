import { systemClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import type { Environment } from "../config/server-options.ts";
import { resolveServerOptions } from "../config/server-options.ts";
import { modelSet } from "../control/model-set.ts";
import { PlatformLoader } from "../control/platform-loader.ts";
import { servableVersions } from "../control/servable-versions.ts";
import { createRuntimes } from "../runtimes/registry.ts";
import type { Signatures } from "../tensor/signature.ts";
import { servingOptions } from "./resolved-options.ts";
import { locateTensorFlow } from "./tensorflow-library.ts";

/** What is known of a model that was loaded and let go. */
export interface LoadedModel {
  readonly name: string;
  readonly signatures: Signatures;
  /** The body of a REST predict call that it answers, where it brings one. */
  readonly example: string | undefined;
}

/**
 * Loads the newest version of the one model at a path, as `serve` would, and lets it go. Rejects with ServingError invalid-argument
 * when there is no model, or more than one, and with the reason why it cannot be loaded.
 */
export async function loadModelAt(path: string, environment: Environment): Promise<LoadedModel> {
  const options = resolveServerOptions(new Map(), [path], environment);
  const models = await modelSet(options.models, options.modelConfigRootDir).read();
  const [model, ...others] = models;
  if (model === undefined) throw new ServingError("invalid-argument", "no model was found at the path given");
  if (others.length > 0) {
    throw new ServingError(
      "invalid-argument",
      `the path holds ${models.length} models, name one: ${models.map(({ name }) => name).join(", ")}`,
    );
  }
  const newest = (await servableVersions(model)).at(-1);
  if (newest === undefined) throw new ServingError("invalid-argument", `there is no version of ${model.name} to serve`);
  const { runtimes } = await servingOptions(options);
  const loader = new PlatformLoader({ name: model.name, version: newest.version }, newest.path, model.platform, {
    runtimes: createRuntimes(runtimes, { locateTensorFlow: locateTensorFlow(options.tensorflow, createLog(options.logLevel)) }),
    clock: systemClock,
    tensorflow: model.tensorflow,
    python: model.python,
    serverPython: options.python,
    report: () => undefined,
  });
  const { signatures, about } = await loader.load(new AbortController().signal);
  await loader.unload();
  return { name: model.name, signatures, example: about?.example };
}
