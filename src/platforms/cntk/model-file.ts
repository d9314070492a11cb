import { ServingError } from "../../base/serving-error.ts";
import { filesThatBegin } from "../files-that-begin.ts";
import { formOf } from "./model-form.ts";

/** What a file may be called; its first bytes decide. */
const EXTENSIONS = [".model", ".dnn", ".cmf", ".cntk"];
/** A trainer's state, which is written beside the model. */
const CHECKPOINT = ".ckp";
/** The one of several that is the model, the first there is. */
export const NAMES: readonly string[] = EXTENSIONS.map((extension) => `model${extension}`);

/** What a path holds for this platform. */
export type Finding =
  | { readonly kind: "file"; readonly folder: string; readonly name: string; readonly why: string }
  | { readonly kind: "several"; readonly names: readonly string[]; readonly why: string };

/** Looks for a model of CNTK at a path, by names and first bytes: a bare file, a folder's `model.model`, or its only one. */
export async function findModelFile(path: string): Promise<Finding | undefined> {
  const found = await filesThatBegin(path, {
    extensions: [...EXTENSIONS, CHECKPOINT],
    usual: NAMES,
    fits: (first) => formOf(first) !== undefined,
  });
  if (found === undefined || found.names.length === 0) return undefined;
  const { bare, folder } = found;
  const models = found.names.filter((name) => !name.toLowerCase().endsWith(CHECKPOINT));
  const names = models.length > 0 ? models : found.names;
  const name = NAMES.find((each) => names.includes(each)) ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined) return { kind: "several", names, why: `holds ${names.length} CNTK models` };
  return { kind: "file", folder, name, why: bare ? "is a CNTK model" : `holds ${name}, a CNTK model` };
}

/** The one file of a finding. @throws ServingError invalid-argument, naming the files, when there are several. */
export function onlyFile(finding: Finding): Finding & { readonly kind: "file" } {
  if (finding.kind === "file") return finding;
  const shown = finding.names.slice(0, 8).join(", ") + (finding.names.length > 8 ? ", ..." : "");
  throw new ServingError(
    "invalid-argument",
    `which of the ${finding.names.length} CNTK files is the model (${shown})? Name it ${NAMES[0]}, or keep each in a folder of its own`,
  );
}
