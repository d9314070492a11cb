import { accessSync, constants, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { ServingError } from "../base/serving-error.ts";
import type { ModelConfig } from "../config/model-config.ts";
import type { RequestLogging } from "../model/request-logging.ts";

/** What is logged, by model. */
export function loggingsOf(models: readonly ModelConfig[]): ReadonlyMap<string, RequestLogging> {
  return new Map(models.flatMap(({ name, logging }) => (logging === undefined ? [] : [[name, logging] as const])));
}

/**
 * Makes the folders that request logs are to be written to, where they are not there.
 * @throws ServingError failed-precondition that names the model whose folder cannot be made, listed or written to.
 */
export function makeRequestLogFolders(models: readonly ModelConfig[]): void {
  for (const [name, { filenamePrefix }] of loggingsOf(models)) {
    const folder = dirname(filenamePrefix);
    try {
      mkdirSync(folder, { recursive: true });
      accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (cause) {
      const why = (cause as NodeJS.ErrnoException).code ?? "unknown error";
      throw new ServingError(
        "failed-precondition",
        `the folder of model ${name}'s request log cannot be made or written to (${why}), change its filename_prefix`,
        { cause },
      );
    }
  }
}
