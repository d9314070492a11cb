import { ServingError } from "../../base/serving-error.ts";
import { filesThatBegin } from "../files-that-begin.ts";
import { formOf } from "./model-form.ts";

/** What a file may be called; its first bytes decide. */
const EXTENSIONS = [".json", ".ubj", ".bst", ".model", ".xgb", ".deprecated"];
/** The one of several that is the model, the first there is; the first three are MLServer's. */
export const NAMES = ["model.bst", "model.json", "model.ubj", "model.model", "model.xgb", "model.deprecated"];

/** What a path holds for this platform. */
export type Finding =
  | { readonly kind: "file"; readonly folder: string; readonly name: string; readonly why: string }
  | { readonly kind: "several"; readonly names: readonly string[]; readonly why: string };

/** Looks for a model of XGBoost at a path, by names and first bytes: a bare file, a folder's `model.bst`, or its only one. */
export async function findModelFile(path: string): Promise<Finding | undefined> {
  const found = await filesThatBegin(path, {
    extensions: EXTENSIONS,
    usual: NAMES,
    fits: (first) => formOf(first) !== undefined,
  });
  if (found === undefined || found.names.length === 0) return undefined;
  const { bare, folder, names } = found;
  const name = NAMES.find((each) => names.includes(each)) ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined) return { kind: "several", names, why: `holds ${names.length} XGBoost models` };
  return { kind: "file", folder, name, why: bare ? "is an XGBoost model" : `holds ${name}, an XGBoost model` };
}

/** The one file of a finding. @throws ServingError invalid-argument, naming the files, when there are several. */
export function onlyFile(finding: Finding): Finding & { readonly kind: "file" } {
  if (finding.kind === "file") return finding;
  const shown = finding.names.slice(0, 8).join(", ") + (finding.names.length > 8 ? ", ..." : "");
  throw new ServingError(
    "invalid-argument",
    `which of the ${finding.names.length} XGBoost files is the model (${shown})? Name it model.json, or keep each in a folder of its own`,
  );
}
