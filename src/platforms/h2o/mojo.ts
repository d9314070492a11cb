import { fileLines, readModelIni, unescaped } from "./model-ini.ts";
import { damaged, type MojoFiles, notCovered } from "./mojo-files.ts";
import { Settings } from "./settings.ts";

/** Columns of a model at most. */
export const MOST_COLUMNS = 1_000_000;

/** What every model has; what its algorithm has of its own is in the settings and files. */
export interface Mojo {
  readonly files: MojoFiles;
  readonly settings: Settings;
  /** What errors call it. */
  readonly where: string;
  /** `Gradient Boosting Machine` and so on. */
  readonly algorithm: string;
  /** Of the algorithm's format: 1.4. */
  readonly version: number;
  /** `Binomial`, `Regression` and so on. */
  readonly category: string;
  readonly columns: readonly string[];
  /** Columns that a row has, the first ones. */
  readonly features: number;
  /** Levels by column, also of the response, which is the last column. */
  readonly domains: ReadonlyMap<number, readonly string[]>;
  readonly classes: number;
}

/**
 * Reads what all models have in common.
 * @throws ServingError data-loss for a damaged model; unimplemented for one that a machine of another kind wrote
 */
export async function readMojo(files: MojoFiles, signal: AbortSignal): Promise<Mojo> {
  const where = `${files.name}: model.ini`;
  const all = await fileLines(await files.read("model.ini", signal), signal);
  const { settings: values, columns, domains: announced } = readModelIni(all, where);
  const settings = new Settings(values, where);
  if (columns.length !== settings.count("n_columns", 0, MOST_COLUMNS)) {
    throw damaged(where, `has ${columns.length} columns where ${settings.text("n_columns")} are expected`);
  }
  const endianness = settings.text("endianness", "LITTLE_ENDIAN");
  if (endianness !== "LITTLE_ENDIAN") throw notCovered(where, `a model of the byte order ${endianness.slice(0, 40)}`);
  const domains = new Map<number, readonly string[]>();
  const areEscaped = settings.flag("escape_domain_values", false);
  for (const [column, { count, file }] of announced) {
    // A file of the response's levels is there also where the response is no column.
    if (column >= columns.length) continue;
    domains.set(column, await readLevels(files, `domains/${file}`, count, areEscaped, signal));
  }
  return {
    files,
    settings,
    where: files.name,
    algorithm: settings.text("algorithm"),
    version: settings.number("mojo_version"),
    category: settings.text("category"),
    columns,
    features: settings.count("n_features", 0, columns.length),
    domains,
    classes: settings.count("n_classes", 0, MOST_COLUMNS),
  };
}

/** Texts, one in a line. @throws ServingError data-loss for another number of them than `count` */
export async function readLevels(
  files: MojoFiles,
  file: string,
  count: number,
  areEscaped: boolean,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const lines = await fileLines(await files.read(file, signal), signal);
  if (lines.length !== count) throw damaged(`${files.name}: ${file}`, `has ${lines.length} lines where ${count} are expected`);
  return areEscaped ? lines.map(unescaped) : lines;
}

/** The labels of a classifier's classes. @throws ServingError data-loss unless there is one of each class */
export function classLabels({ columns, domains, classes, where }: Mojo): readonly string[] {
  const labels = domains.get(columns.length - 1) ?? (classes === 2 ? ["0", "1"] : []);
  if (labels.length !== classes || classes < 2) throw damaged(where, `has ${labels.length} labels of ${classes} classes`);
  return labels;
}
