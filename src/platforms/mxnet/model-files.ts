import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import { firstBytes } from "../files-that-begin.ts";

const SYMBOL = "-symbol.json";
const EPOCH = /^(.+)-(\d{4,9})$/;
const PARAMS = /-(\d{4,9})\.params$/;
const FIRST_BYTES = 16;

/** The files of one model, which lie side by side. */
export interface ModelFiles {
  readonly folder: string;
  readonly symbol: string;
  /** Of the epoch to serve. */
  readonly params: string;
  /** Names and shapes of inputs, where there is such a file. */
  readonly signature: string | undefined;
}

/** What a path holds for this platform. */
export type Finding =
  | { readonly kind: "prefix"; readonly folder: string; readonly prefix: string; readonly epoch?: string; readonly why: string }
  | { readonly kind: "several"; readonly prefixes: readonly string[]; readonly why: string };

/**
 * Looks for `PREFIX-symbol.json` with `PREFIX-NNNN.params`: the only pair of a folder, or a path that is no file but `PREFIX`, or
 * `PREFIX-NNNN` for one of several epochs.
 */
export async function findModelFiles(path: string): Promise<Finding | undefined> {
  const entry = await stat(path).catch(() => undefined);
  if (entry !== undefined) return entry.isDirectory() ? inFolder(path) : undefined;
  const folder = dirname(path);
  const why = "is the prefix of an MXNet model";
  const prefix = basename(path);
  if (await isGraph(folder, prefix)) return { kind: "prefix", folder, prefix, why };
  const [, before, epoch] = EPOCH.exec(prefix) ?? [];
  if (before === undefined || epoch === undefined || !(await isGraph(folder, before))) return undefined;
  return { kind: "prefix", folder, prefix: before, epoch, why: `${why}, with its epoch` };
}

async function inFolder(folder: string): Promise<Finding | undefined> {
  const prefixes: string[] = [];
  for (const name of await namesIn(folder)) {
    const prefix = prefixOf(name);
    if (prefix !== undefined && (await isGraph(folder, prefix))) prefixes.push(prefix);
  }
  const [prefix] = prefixes;
  if (prefix === undefined) return undefined;
  if (prefixes.length > 1) return { kind: "several", prefixes: prefixes.sort(), why: `holds ${prefixes.length} MXNet models` };
  return { kind: "prefix", folder, prefix, why: `holds ${prefix}${SYMBOL}` };
}

/**
 * The files of a finding, of its epoch or of the highest there is.
 * @throws ServingError invalid-argument, naming the prefixes, when there are several; not-found when there are no parameters
 */
export async function filesOf(finding: Finding): Promise<ModelFiles> {
  if (finding.kind === "several") throw ambiguous(finding.prefixes);
  const { folder, prefix, epoch } = finding;
  const names = await namesIn(folder);
  const epochs = names.flatMap((name) => {
    const found = PARAMS.exec(name);
    return found !== null && name.slice(0, found.index) === prefix ? [found[1]!] : [];
  });
  const chosen = epoch ?? epochs.sort((a, b) => Number(b) - Number(a))[0];
  const symbol = prefix + SYMBOL;
  if (chosen === undefined) {
    throw new ServingError("not-found", `${symbol} has no parameters beside it: a file ${prefix}-0000.params is expected`);
  }
  const signature = `${prefix}-signature.json`;
  return {
    folder,
    symbol,
    params: `${prefix}-${chosen}.params`,
    signature: names.includes(signature) ? signature : undefined,
  };
}

function ambiguous(prefixes: readonly string[]): ServingError {
  const shown = prefixes.slice(0, 8).join(", ") + (prefixes.length > 8 ? ", ..." : "");
  return new ServingError(
    "invalid-argument",
    `which of the ${prefixes.length} MXNet models is to be served (${shown})? Give the base path of one, such as FOLDER/${prefixes[0]}`,
  );
}

function prefixOf(name: string): string | undefined {
  if (name.startsWith(".") || !name.endsWith(SYMBOL) || name === SYMBOL) return undefined;
  return name.slice(0, -SYMBOL.length);
}

async function isGraph(folder: string, prefix: string): Promise<boolean> {
  return /^\s*\{/.test((await firstBytes(join(folder, prefix + SYMBOL), FIRST_BYTES)).toString("latin1"));
}

async function namesIn(folder: string): Promise<string[]> {
  const entries: Dirent[] = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((each) => !each.isDirectory()).map((each) => each.name);
}
