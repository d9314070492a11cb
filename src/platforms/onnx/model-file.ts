import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";

const MODEL = "model.onnx";

/** What a path holds for this platform. */
export type Finding =
  | { readonly kind: "file"; readonly folder: string; readonly name: string; readonly why: string }
  | { readonly kind: "several"; readonly names: readonly string[]; readonly why: string };

/** Looks for a model at a path by names alone: a bare `.onnx` file, a folder's `model.onnx`, or its only `.onnx` file. */
export async function findModelFile(path: string): Promise<Finding | undefined> {
  const entry = await stat(path).catch(() => undefined);
  if (entry?.isFile()) {
    const name = basename(path);
    return isOnnx(name) ? { kind: "file", folder: join(path, ".."), name, why: "is an .onnx file" } : undefined;
  }
  if (!entry?.isDirectory()) return undefined;
  const entries: Dirent[] = await readdir(path, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((each) => !each.isDirectory() && isOnnx(each.name)).map((each) => each.name);
  const chosen = names.includes(MODEL) ? MODEL : names.length === 1 ? names[0] : undefined;
  if (chosen !== undefined) return { kind: "file", folder: path, name: chosen, why: `holds ${chosen}` };
  return names.length === 0 ? undefined : { kind: "several", names: names.sort(), why: `holds ${names.length} .onnx files` };
}

/** The one file of a finding. @throws ServingError invalid-argument, naming the files, when there are several. */
export function onlyFile(finding: Finding): Finding & { readonly kind: "file" } {
  if (finding.kind === "file") return finding;
  const shown = finding.names.slice(0, 8).join(", ") + (finding.names.length > 8 ? ", ..." : "");
  throw new ServingError(
    "invalid-argument",
    `which of the ${finding.names.length} .onnx files is the model (${shown})? Name it ${MODEL}, or keep each in a folder of its own`,
  );
}

function isOnnx(name: string): boolean {
  return name.toLowerCase().endsWith(".onnx") && !name.startsWith(".");
}
