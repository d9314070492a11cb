import { ServingError } from "../base/serving-error.ts";
import { filesThatBegin, type ModelFileRules } from "./files-that-begin.ts";

/** Which files may be a platform's model, and what messages call them. */
export interface ModelFileKind extends ModelFileRules {
  /** `a CatBoost model`. */
  readonly one: string;
  /** `CatBoost models`. */
  readonly several: string;
  /** `CatBoost files`, of which one is to be chosen. */
  readonly choices: string;
  /** The name that a file is to be given when there are several. Default: the first usual one. */
  readonly advised?: string;
  /** What names end in, in lower case, that count only where there is nothing else. */
  readonly lesser?: string;
}

/** What a path holds for a platform: a file, or several of which none is chosen. */
export type Finding =
  | { readonly kind: "file"; readonly folder: string; readonly name: string; readonly why: string }
  | { readonly kind: "several"; readonly names: readonly string[]; readonly why: string };

/** Looks for a model of one file at a path, by names and first bytes: a bare file, a folder's first of the usual names, or its only one. */
export async function findModelFile(path: string, kind: ModelFileKind): Promise<Finding | undefined> {
  const found = await filesThatBegin(path, kind);
  if (found === undefined || found.names.length === 0) return undefined;
  const { usual, one, several, lesser } = kind;
  const better = lesser === undefined ? [] : found.names.filter((name) => !name.toLowerCase().endsWith(lesser));
  const names = better.length > 0 ? better : found.names;
  const name = usual.find((each) => names.includes(each)) ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined) return { kind: "several", names, why: `holds ${names.length} ${several}` };
  return { kind: "file", folder: found.folder, name, why: found.bare ? `is ${one}` : `holds ${name}, ${one}` };
}

/** The one file of a finding. @throws ServingError invalid-argument, naming the files, when there are several. */
export function onlyFile(
  finding: Finding,
  { choices, usual, advised = usual[0] }: ModelFileKind,
): Finding & { readonly kind: "file" } {
  if (finding.kind === "file") return finding;
  const shown = finding.names.slice(0, 8).join(", ") + (finding.names.length > 8 ? ", ..." : "");
  throw new ServingError(
    "invalid-argument",
    `which of the ${finding.names.length} ${choices} is the model (${shown})? Name it ${advised}, or keep each in a folder of its own`,
  );
}
