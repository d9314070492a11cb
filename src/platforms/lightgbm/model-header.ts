import { ServingError } from "../../base/serving-error.ts";
import { countParts, readInteger } from "./number-list.ts";
import { damaged, type Field, nameOf, type TextLines } from "./text-lines.ts";

/** What the lines before the trees say. */
export interface ModelHeader {
  /** Numbers that a row has for an answer. */
  readonly classes: number;
  /** Columns of a row. */
  readonly columns: number;
  /** The objective with its parameters, `binary sigmoid:1`; undefined where the model has none. */
  readonly objective: string | undefined;
  /** Whether answers are averages over iterations, as those of a random forest. */
  readonly averages: boolean;
  /** Trees that there are, where it says so. */
  readonly trees: number | undefined;
  /** What columns are called; undefined where they have but the names that LightGBM gives, or too many. */
  readonly names: readonly string[] | undefined;
  /** The columns that have categories and not numbers, as far as training saw any. */
  readonly categories: readonly number[];
}

const VERSIONS = ["v2", "v3", "v4"];
const KEYS = new Set([
  "version",
  "num_class",
  "num_tree_per_iteration",
  "max_feature_idx",
  "objective",
  "average_output",
  "feature_names",
  "feature_infos",
  "tree_sizes",
]);
/** There are about twelve. */
const MOST_LINES = 1000;
const MOST_COLUMNS = 2 ** 31 - 2;
/** With more columns no one asks for them by their names. */
const MOST_NAMES = 10_000;

/**
 * Reads up to the first tree; its line is the next.
 * @param file what errors call the file
 * @throws ServingError data-loss for a damaged header, unimplemented for a version that is not known
 */
export function readHeader(lines: TextLines, file: string): ModelHeader {
  const fields = new Map<string, Field>();
  for (let count = 0; lines.next(); count++) {
    if (count === MOST_LINES) throw damaged(file, `has more than ${MOST_LINES} lines before its first tree`);
    if (lines.startsWith("Tree=") || lines.startsWith("end of trees")) {
      lines.again();
      break;
    }
    const key = lines.key();
    if (key !== undefined && KEYS.has(key)) fields.set(key, lines.field(key, file));
  }
  const version = textOf(fields.get("version"));
  if (version !== undefined && !VERSIONS.includes(version)) {
    throw new ServingError(
      "unimplemented",
      `${file} is of version "${version}" of LightGBM's format (known: ${VERSIONS.join(", ")}); save it with another version of LightGBM`,
    );
  }
  const names = needed(fields, "feature_names", file);
  const columns = readInteger(needed(fields, "max_feature_idx", file), 0, MOST_COLUMNS) + 1;
  for (const each of [names, fields.get("feature_infos")]) {
    if (each !== undefined && countParts(each) !== columns) {
      throw damaged(nameOf(each), `has ${countParts(each)} parts where max_feature_idx makes ${columns}`);
    }
  }
  const classes = readInteger(needed(fields, "num_class", file), 1, MOST_COLUMNS);
  const perIteration = fields.get("num_tree_per_iteration");
  if (perIteration !== undefined && readInteger(perIteration, 1, MOST_COLUMNS) !== classes) {
    throw damaged(nameOf(perIteration), `is not num_class, which is ${classes}`);
  }
  const sizes = fields.get("tree_sizes");
  return {
    classes,
    columns,
    objective: textOf(fields.get("objective")),
    averages: fields.has("average_output"),
    trees: sizes && countParts(sizes),
    names: columns > MOST_NAMES ? undefined : namesOf(partsOf(names)),
    categories: columns > MOST_NAMES ? [] : categoriesOf(fields.get("feature_infos")),
  };
}

function partsOf({ bytes, start, end }: Field): readonly string[] {
  return bytes
    .toString("utf8", start, end)
    .split(" ")
    .filter((part) => part !== "");
}

function namesOf(names: readonly string[]): readonly string[] | undefined {
  return names.every((name, column) => name === `Column_${column}`) ? undefined : names;
}

/** The range of numbers is in brackets; of what training saw but one value of nothing is said. */
function categoriesOf(infos: Field | undefined): readonly number[] {
  if (infos === undefined) return [];
  return partsOf(infos).flatMap((info, column) => (info.startsWith("[") || info === "none" ? [] : [column]));
}

function needed(fields: ReadonlyMap<string, Field>, key: string, file: string): Field {
  const field = fields.get(key);
  if (field === undefined) throw damaged(file, `does not say ${key}`);
  return field;
}

function textOf(field: Field | undefined): string | undefined {
  return field?.bytes.toString("utf8", field.start, Math.min(field.end, field.start + 256)).trim();
}
