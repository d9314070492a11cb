import { ServingError } from "../../base/serving-error.ts";
import type { StfsHead } from "../../codec/json/stfs-document.ts";
import type { ModelSpec } from "../../codec/model-spec.ts";
import type { ServingTable } from "../../serving/serving-table.ts";
import { shortened } from "./shortened.ts";

/** The model of Simple TensorFlow Serving's requests that name none. */
const DEFAULT_MODEL = "default";

/** Most names that a message lists. */
const LISTED = 20;

/**
 * The version that a request is for, as it stands in the table now. `default`, which requests without a name mean, is the only model
 * where there is one with another name and no `default`.
 * @throws ServingError invalid-argument for a model, version or label that is not there; failed-precondition for a model without a version.
 */
export function askedVersion(table: ServingTable, { model, version, label, signatureName }: Omit<StfsHead, "base64">): ModelSpec {
  const name = modelName(table, model || DEFAULT_MODEL);
  const served = table.servables.versions(name);
  if (version !== undefined && !served.includes(version)) {
    throw new ServingError(
      "invalid-argument",
      `Invalid model version: ${version}, available versions of ${name}: ${list(served)}`,
    );
  }
  if (served.length === 0) throw new ServingError("failed-precondition", `model ${name} has no version that is served`);
  if (label !== undefined && !table.labels(name).has(label)) {
    throw new ServingError("invalid-argument", `Unrecognized servable version label: ${shortened(label)}`);
  }
  return { name, version, versionLabel: label, signatureName };
}

function modelName(table: ServingTable, asked: string): string {
  if (table.isServing(asked) !== undefined) return asked;
  const models = table.models();
  if (asked === DEFAULT_MODEL) {
    const served = models.filter((model) => table.isServing(model));
    if (served.length === 1) return served[0]!;
  }
  throw new ServingError("invalid-argument", `Invalid model name: ${shortened(asked)}, available models: ${list(models)}`);
}

function list(names: readonly (string | bigint)[]): string {
  if (names.length === 0) return "none";
  return names.slice(0, LISTED).join(", ") + (names.length > LISTED ? ` and ${names.length - LISTED} more` : "");
}
