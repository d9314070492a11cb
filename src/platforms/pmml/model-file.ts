import { ServingError } from "../../base/serving-error.ts";
import { filesThatBegin } from "../files-that-begin.ts";
import { beginsLikePmml } from "./read-xml.ts";

/** What a file may be called; its first bytes decide. */
const EXTENSIONS = [".pmml", ".xml"];
/** The one of several that is the model, the first there is. */
const NAMES = ["model.pmml", "model.xml"];
/** Comments may come before the root. */
const FIRST_BYTES = 4096;

/** What a path holds for this platform. */
export type Finding =
  | { readonly kind: "file"; readonly folder: string; readonly name: string; readonly why: string }
  | { readonly kind: "several"; readonly names: readonly string[]; readonly why: string };

/** Looks for a PMML document at a path, by names and first bytes: a bare file, a folder's `model.pmml`, or its only one. */
export async function findModelFile(path: string): Promise<Finding | undefined> {
  const found = await filesThatBegin(path, { extensions: EXTENSIONS, usual: NAMES, fits: beginsLikePmml, bytes: FIRST_BYTES });
  if (found === undefined || found.names.length === 0) return undefined;
  const { bare, folder, names } = found;
  const name = NAMES.find((each) => names.includes(each)) ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined) return { kind: "several", names, why: `holds ${names.length} PMML documents` };
  return { kind: "file", folder, name, why: bare ? "is a PMML document" : `holds ${name}, a PMML document` };
}

/** The one file of a finding. @throws ServingError invalid-argument, naming the files, when there are several. */
export function onlyFile(finding: Finding): Finding & { readonly kind: "file" } {
  if (finding.kind === "file") return finding;
  const shown = finding.names.slice(0, 8).join(", ") + (finding.names.length > 8 ? ", ..." : "");
  throw new ServingError(
    "invalid-argument",
    `which of the ${finding.names.length} PMML documents is the model (${shown})? Name it ${NAMES[0]}, or keep each in a folder of its own`,
  );
}
