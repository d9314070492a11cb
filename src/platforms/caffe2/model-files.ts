import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import { firstBytes } from "../files-that-begin.ts";

/** Binary before text, where both are there. */
const EXTENSIONS = [".pb", ".pbtxt"];
/** Names that go together: the net that makes the parameters, and the one that computes. The first pair there is, is the model. */
const PAIRS = [
  ["init_net", "predict_net"],
  ["init_net", "exec_net"],
  ["model_init", "model"],
  ["exec_net", "model"],
] as const;
const PREFIXED = /^(.+)_init_net\.(?:pb|pbtxt)$/;
/** A net's name and its operators come first; text may begin with more. */
const BINARY_STARTS = [0x0a, 0x12];
const TEXT_START = /^(?:\s|#[^\n]*\n)*(?:name|op|type|num_workers|device_option|arg|external_input|external_output)\s*[:{<]/;
const FIRST_BYTES = 1024;

/** What a path holds for this platform. */
export type Finding =
  | { readonly kind: "pair"; readonly init: string; readonly predict: string; readonly why: string }
  | { readonly kind: "half"; readonly there: string; readonly missing: string; readonly why: string }
  | { readonly kind: "several"; readonly names: readonly string[]; readonly why: string };

/** Looks for a model of Caffe2's in a folder, by names and first bytes. */
export async function findModelFiles(path: string): Promise<Finding | undefined> {
  if (!(await stat(path).catch(() => undefined))?.isDirectory()) return undefined;
  const entries: Dirent[] = await readdir(path, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const prefixes = names.flatMap((name) => PREFIXED.exec(name)?.[1] ?? []).filter((each) => !each.startsWith("."));
  const pairs = [...PAIRS, ...prefixes.sort().map((each) => [`${each}_init_net`, `${each}_predict_net`] as const)].flatMap(
    ([first, second]) => {
      const [init, predict] = [named(names, first), named(names, second)];
      return init !== undefined && predict !== undefined ? [{ init, predict }] : [];
    },
  );
  const known = pairs.find(({ init }) => !PREFIXED.test(init));
  const chosen = known === undefined ? pairs : [known];
  if (chosen.length === 0) return await half(path, names);
  const [pair] = chosen;
  if (!(await beginLikeNets(path, [pair!.init, pair!.predict]))) return undefined;
  if (chosen.length > 1) {
    return { kind: "several", names: chosen.map(({ predict }) => predict), why: `holds ${chosen.length} models of Caffe2's` };
  }
  return { kind: "pair", ...pair!, why: `holds ${pair!.init} and ${pair!.predict}` };
}

/** The two files of a finding. @throws ServingError invalid-argument, naming the files, when there is one, or more than two. */
export function onlyPair(finding: Finding): Finding & { readonly kind: "pair" } {
  switch (finding.kind) {
    case "pair":
      return finding;
    case "half":
      throw new ServingError(
        "invalid-argument",
        `${finding.missing} is missing: a model of Caffe2's is two nets, and here is only ${finding.there}`,
      );
    case "several": {
      const shown = finding.names.slice(0, 8).join(", ") + (finding.names.length > 8 ? ", ..." : "");
      throw new ServingError(
        "invalid-argument",
        `which of the ${finding.names.length} nets is the model (${shown})? Name its files init_net.pb and predict_net.pb, or keep each model in a folder of its own`,
      );
    }
  }
}

/** One of the two usual names alone: no other framework has files of these names. */
async function half(folder: string, names: readonly string[]): Promise<Finding | undefined> {
  for (const [one, other] of [PAIRS[0], [...PAIRS[0]].reverse() as [string, string]]) {
    const there = named(names, one);
    if (there === undefined || !(await beginLikeNets(folder, [there]))) continue;
    return { kind: "half", there, missing: other + EXTENSIONS[0], why: `holds ${there}` };
  }
  return undefined;
}

function named(names: readonly string[], stem: string): string | undefined {
  return EXTENSIONS.map((extension) => stem + extension).find((name) => names.includes(name));
}

/** A net without anything in it has no bytes: a model without parameters. */
async function beginLikeNets(folder: string, names: readonly string[]): Promise<boolean> {
  const starts = await Promise.all(names.map((name) => firstBytes(join(folder, name), FIRST_BYTES)));
  const fits = (start: Buffer, i: number) =>
    start.length === 0
      ? names[i]!.includes("init")
      : isText(names[i]!)
        ? TEXT_START.test(start.toString("latin1"))
        : BINARY_STARTS.includes(start[0]!);
  return starts.every(fits);
}

/** Whether a net's file is in text form, by its name. */
export function isText(name: string): boolean {
  return name.endsWith(".pbtxt");
}
