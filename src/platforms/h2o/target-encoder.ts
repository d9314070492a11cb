import type { LevelTable } from "../../model/tabular/h2o-operations.ts";
import { sharedFloats, sharedIntegers } from "../shared-arrays.ts";
import { linesOf } from "./model-ini.ts";
import type { Mojo } from "./mojo.ts";
import { damaged, notCovered } from "./mojo-files.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Scored } from "./scored.ts";

const FOLDER = "feature_engineering/target_encoding";
const ENCODINGS = `${FOLDER}/encoding_map.ini`;
const MISSING = `${FOLDER}/te_column_name_to_missing_values_presence.ini`;
const INPUTS = `${FOLDER}/input_encoding_columns_map.ini`;

/** Counts of a level: how often the target was there, of how many rows. */
interface Counts {
  readonly numerator: number;
  readonly denominator: number;
}

/** Counts by level, then by class from 1 on; for numbers and two classes there is one. */
type Encoding = readonly (readonly Counts[])[];

/** Levels as the means of the target that they had in training. */
export async function targetEncoder(mojo: Mojo, rows: string, builder: ProgramBuilder): Promise<Scored> {
  const { files, where, classes } = mojo;
  const width = Math.max(1, classes - 1);
  const encodings = readEncodings(await textOf(mojo, ENCODINGS, builder), classes, `${where}: ${ENCODINGS}`);
  const hasMissing = new Map<string, boolean>();
  if (files.has(MISSING)) {
    for (const line of linesOf(await textOf(mojo, MISSING, builder))) {
      const [name, presence] = line.split("=").map((part) => part.trim());
      if (name) hasMissing.set(name, presence === "1");
    }
  }
  const groups = files.has(INPUTS) ? readGroups(await textOf(mojo, INPUTS, builder), where) : ownGroups(encodings, where);
  const tables = groups.map((group) => tableOf(mojo, group, encodings.get(group.to), hasMissing.get(group.to) ?? false, width));
  const value = builder.add(rows, { kind: "level-table", tables });
  return { kind: "matrix", alias: "transformations", value, width: tables.length * width, dtype: "float64" };
}

async function textOf({ files }: Mojo, file: string, builder: ProgramBuilder): Promise<string> {
  return (await files.read(file, builder.signal)).toString();
}

function readEncodings(text: string, classes: number, where: string): ReadonlyMap<string, Encoding> {
  const encodings = new Map<string, Counts[][]>();
  let levels: Counts[][] | undefined;
  for (const line of linesOf(text)) {
    const section = /\[(.*?)\]/.exec(line)?.[1];
    if (section !== undefined) {
      levels = [];
      encodings.set(section, levels);
      continue;
    }
    const [, level, numerator, denominator, target] = /^\s*(\d{1,9})\s*=\s*(\S+) (\S+)(?: (\S+))?/.exec(line) ?? [];
    if (level === undefined || levels === undefined)
      throw damaged(where, `has ${JSON.stringify(line.slice(0, 60))} where counts are expected`);
    // Levels come in order, each with its classes.
    if (Number(level) > levels.length) throw damaged(where, `has level ${level} before others`);
    if (Number(level) === levels.length) levels.push([]);
    const of = levels[Number(level)]!;
    const index = classes > 2 ? Number(target) : 0;
    if (!Number.isInteger(index) || index < 0 || index > of.length) throw damaged(where, `has class ${target} of level ${level}`);
    of[index] = { numerator: Number(numerator), denominator: Number(denominator) };
  }
  return encodings;
}

/** Columns whose levels are encoded together. */
interface ColumnGroup {
  readonly from: readonly string[];
  readonly to: string;
  /** Codes of combinations of levels. */
  readonly codes: readonly number[];
}

function readGroups(text: string, where: string): readonly ColumnGroup[] {
  const groups: { from: string[]; to: string[]; codes: number[] }[] = [];
  let part: "from" | "to" | "codes" = "from";
  for (const raw of linesOf(text)) {
    const line = raw.trim();
    if (line === "[from]") groups.push({ from: [], to: [], codes: [] });
    const section = line === "[from]" ? "from" : line === "[to]" ? "to" : line === "[to_domain]" ? "codes" : undefined;
    if (section !== undefined) {
      part = section;
      continue;
    }
    const group = groups.at(-1);
    if (group === undefined) throw damaged(where, `has ${JSON.stringify(line.slice(0, 60))} where columns are expected`);
    if (part === "codes") group.codes.push(Number(line));
    else group[part].push(line);
  }
  return groups.map(({ from, to, codes }) => ({ from, to: to[0] ?? "", codes }));
}

/** As models have them that do not say: one column after the other, of which several have no order. */
function ownGroups(encodings: ReadonlyMap<string, Encoding>, where: string): readonly ColumnGroup[] {
  const names = [...encodings.keys()];
  if (names.length > 1) throw notCovered(where, "a target encoder of several columns without their order");
  return names.map((name) => ({ from: [name], to: name, codes: [] }));
}

function tableOf(
  mojo: Mojo,
  { from, to, codes }: ColumnGroup,
  encoding: Encoding | undefined,
  hasMissing: boolean,
  width: number,
): LevelTable {
  const { columns, features, domains, classes, where } = mojo;
  if (encoding === undefined || encoding.length === 0)
    throw damaged(where, `has no counts of ${JSON.stringify(to.slice(0, 60))}`);
  const places = from.map((name) => columns.indexOf(name));
  if (places.length === 0 || places.some((place) => place < 0 || place >= features))
    throw damaged(where, "encodes a column that it has not");
  const wanted = Array.from({ length: width }, (_, i) => (classes > 2 ? i + 1 : 0));
  const countsOf = (level: number, index: number): Counts => {
    const counts = encoding[level]![index];
    if (counts === undefined) throw damaged(where, `has no counts of class ${index}`);
    return counts;
  };
  const priors = wanted.map((index) => {
    let [numerator, denominator] = [0, 0];
    for (let level = 0; level < encoding.length; level++) {
      numerator += countsOf(level, index).numerator;
      denominator += countsOf(level, index).denominator;
    }
    return numerator / denominator;
  });
  const mean = blending(mojo);
  const valuesOf = (level: number): number[] => wanted.map((index, i) => mean(countsOf(level, index), priors[i]!));
  const isOne = from.length === 1;
  if (!isOne && (codes.length > encoding.length || codes.some((code, i) => !(code > (codes[i - 1] ?? -1))))) {
    throw damaged(where, "has combinations of levels that do not rise");
  }
  return {
    columns: sharedIntegers(places),
    sizes: sharedFloats(places.map((place) => domains.get(place)?.length ?? 0)),
    ...(!isOne && { codes: sharedFloats(codes) }),
    values: sharedFloats(encoding.flatMap((_, level) => valuesOf(level))),
    missing: sharedFloats(hasMissing ? valuesOf(encoding.length - 1) : priors),
  };
}

/** The mean of a level, drawn to the prior the more the fewer rows it had. */
function blending({ settings }: Mojo): (counts: Counts, prior: number) => number {
  if (!settings.flag("with_blending")) return ({ numerator, denominator }) => numerator / denominator;
  const [inflection, smoothing] = [settings.number("inflection_point"), settings.number("smoothing")];
  return ({ numerator, denominator }, prior) => {
    const lambda = 1 / (1 + Math.exp((inflection - Math.trunc(denominator)) / smoothing));
    return lambda * (numerator / denominator) + (1 - lambda) * prior;
  };
}
