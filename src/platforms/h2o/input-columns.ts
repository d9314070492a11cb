import type { LevelColumn } from "../../model/tabular/h2o-operations.ts";
import { MOST_COLUMNS, type Mojo, readLevels } from "./mojo.ts";
import { damaged, notCovered } from "./mojo-files.ts";

/** A column of requests, and what it fills of a model's rows. */
export interface InputColumn {
  readonly name: string;
  readonly fills: LevelColumn;
}

type Levels = NonNullable<LevelColumn["levels"]>;

/** The text that the levels beyond the most frequent ones are kept under. */
const OTHER = "other";

/**
 * The columns that requests have: those of the model, or those that it was trained on where its levels were encoded before.
 * @throws ServingError data-loss for columns that do not make up the model's; unimplemented for an encoding that is not known
 */
export async function inputColumns(mojo: Mojo, signal: AbortSignal): Promise<readonly InputColumn[]> {
  const encoding = encodingOf(mojo);
  switch (encoding) {
    case "AUTO":
    case "Enum":
    case "SortByResponse":
    case "OneHotInternal":
      return ownColumns(mojo, enumLevels);
    case "LabelEncoder":
      return labelColumns(mojo, await originals(mojo, signal));
    case "OneHotExplicit":
    case "Binary":
      return widened(mojo, await originals(mojo, signal), encoding);
    case "EnumLimited":
      return limited(mojo, await originals(mojo, signal));
    case "Eigen":
      return projected(mojo, await originals(mojo, signal));
    default:
      throw notCovered(mojo.where, `the categorical encoding ${encoding.slice(0, 40)}`);
  }
}

function encodingOf({ settings, algorithm, where }: Mojo): string {
  const encoding = settings.text("_genmodel_encoding", "AUTO");
  // H2O's own reader has no answer for these networks either.
  if (algorithm === "Deep Learning" && ["OneHotExplicit", "Enum", "EnumLimited"].includes(encoding)) {
    throw notCovered(where, `the categorical encoding ${encoding} of a network`);
  }
  return encoding;
}

function ownColumns(
  { columns, features, domains }: Mojo,
  levelsOf: (name: string, domain: readonly string[]) => Levels,
): InputColumn[] {
  return columns.slice(0, features).map((name, column) => {
    const domain = domains.get(column);
    return { name, fills: { column, width: 1, ...(domain && { levels: levelsOf(name, domain) }) } };
  });
}

/** A level's number; a level is known without its column's name before it too. */
function enumLevels(name: string, domain: readonly string[]): Levels {
  const codes = codesOf(domain);
  for (const [level, code] of codesOf(domain)) {
    if (!level.startsWith(`${name}.`)) continue;
    const bare = level.slice(name.length + 1);
    if (!codes.has(bare)) codes.set(bare, code);
  }
  return levels(codes, Number.NaN, "code");
}

/** What H2O trained on before it encoded levels. */
interface Original {
  readonly name: string;
  readonly domain?: readonly string[];
}

async function originals(mojo: Mojo, signal: AbortSignal): Promise<readonly Original[]> {
  const { files, settings, where, columns } = mojo;
  const count = settings.count("_n_orig_names", 1, MOST_COLUMNS);
  const names = await readLevels(files, "_orig_names", count, true, signal);
  if (settings.count("_n_orig_domain_values", 0, MOST_COLUMNS) !== count)
    throw damaged(where, "has not the levels of each column");
  const found: Original[] = [];
  for (const [i, raw] of names.entries()) {
    const size = settings.count(`_m_orig_domain_values_${i}`, 0, MOST_COLUMNS);
    const name = raw.trim();
    if (size === 0) found.push({ name });
    else {
      const lines = await readLevels(files, `_orig_domain_values_${i}`, size, true, signal);
      found.push({ name, domain: lines.map((line) => line.trim()) });
    }
  }
  const isResponse = settings.flag("supervised", false) && found.at(-1)!.name === columns.at(-1);
  return isResponse ? found.slice(0, -1) : found;
}

/** A level is the number that it is written as, or its place. */
function labelColumns({ columns, features, where }: Mojo, found: readonly Original[]): InputColumn[] {
  if (found.length < features) throw damaged(where, "has not what each of its columns was trained on");
  return columns.slice(0, features).map((name, column) => {
    const { domain } = found[column]!;
    return { name, fills: { column, width: 1, ...(domain && { levels: labelLevels(domain) }) } };
  });
}

function labelLevels(domain: readonly string[]): Levels {
  const codes = codesOf(domain);
  for (const level of codes.keys()) if (/^[+-]?\d{1,10}$/.test(level)) codes.set(level, Number(level));
  return levels(codes, Number.NaN, "code");
}

/** Numbers come first, then a column for each level, or for each bit of its number. */
function widened(mojo: Mojo, found: readonly Original[], encoding: "OneHotExplicit" | "Binary"): InputColumn[] {
  let next = 0;
  const take = (width: number): number => {
    next += width;
    return next - width;
  };
  const numbers = found.flatMap(({ name, domain }) =>
    domain === undefined ? [{ name, fills: { column: take(1), width: 1 } }] : [],
  );
  const others = found.flatMap(({ name, domain }) => {
    if (domain === undefined) return [];
    const width = encoding === "Binary" ? 32 - Math.clz32(domain.length) : domain.length + 1;
    return [{ name, fills: { column: take(width), width, levels: wideLevels(domain, encoding) } }];
  });
  if (next !== mojo.features) throw damaged(mojo.where, `has ${mojo.features} columns where its levels make ${next}`);
  return [...numbers, ...others];
}

function wideLevels(domain: readonly string[], encoding: "OneHotExplicit" | "Binary"): Levels {
  const codes = codesOf(domain);
  if (encoding === "OneHotExplicit") return levels(codes, codes.size, "hot");
  for (const [level, code] of codes) codes.set(level, code + 1);
  return levels(codes, 0, "bits");
}

/** The most frequent levels, and one for all others that there were. */
function limited(mojo: Mojo, found: readonly Original[]): InputColumn[] {
  if (found.length < mojo.features) throw damaged(mojo.where, "has not what each of its columns was trained on");
  return found.slice(0, mojo.features).map(({ name, domain }, column) => {
    if (domain === undefined) return { name, fills: { column, width: 1 } };
    const own = mojo.domains.get(column);
    if (own === undefined) throw damaged(mojo.where, `has no levels of column ${column}`);
    const codes = codesOf(own);
    const other = codes.get(OTHER);
    if (other !== undefined) {
      for (const level of domain) if (!codes.has(level)) codes.set(level, other);
      codes.delete(OTHER);
    }
    return { name, fills: { column, width: 1, levels: levels(codes, Number.NaN, "code") } };
  });
}

/** A number of each level, of float32. */
function projected(mojo: Mojo, found: readonly Original[]): InputColumn[] {
  const { settings, where, features } = mojo;
  const projection = settings.numbers("_orig_projection_array");
  if (found.length !== features) throw damaged(where, "has not what each of its columns was trained on");
  let next = 0;
  return found.map(({ name, domain }, column) => {
    if (domain === undefined) return { name, fills: { column, width: 1 } };
    const own = projection.subarray(next, next + domain.length);
    next += domain.length;
    if (own.length !== domain.length) throw damaged(where, `has ${projection.length} numbers of levels, too few`);
    const codes = codesOf(domain);
    for (const [level, code] of codes) codes.set(level, Math.fround(own[code]!));
    return { name, fills: { column, width: 1, levels: levels(codes, Number.NaN, "code") } };
  });
}

/** Places of levels; of equal ones the last counts. */
function codesOf(domain: readonly string[]): Map<string, number> {
  return new Map(domain.map((level, code) => [level, code]));
}

function levels(codes: ReadonlyMap<string, number>, unknown: number, as: Levels["as"]): Levels {
  return { names: [...codes.keys()], codes: Float64Array.from(codes.values()), unknown, as };
}
