import type {
  LookupTable,
  TabularClasses,
  TabularInput,
  TabularOperation,
  TabularProgram,
} from "../../model/tabular/tabular-program.ts";
import { type TabularAnswer, tabularSignatures } from "../../model/tabular/tabular-signatures.ts";
import type { AddStep, BoosterAnswer, CompiledBooster } from "../pickled-booster.ts";
import { type CategoryTables, isOfTexts } from "./data-frame.ts";
import { addModel, type BoosterMethod, readText, type TextModel } from "./text-model.ts";

const ALIAS = "X";
/** What the value is called that programs begin with. */
const INPUT = "input";

/**
 * Makes a program of a model's text.
 * @param file what errors call the file
 * @throws ServingError data-loss for a damaged text, unimplemented for what is not known here; each names the file
 */
export async function readModel(bytes: Buffer, file: string, signal: AbortSignal): Promise<TabularProgram> {
  const model = await readText(bytes, file, signal);
  return modelProgram(model, bytes.length, (from, add) => {
    const answers = addModel(model, from, add);
    return { answers, ...classesOrRegression(model, answers, add) };
  });
}

/** What a program answers. */
export interface ProgramAnswers {
  readonly answers: ReadonlyMap<string, BoosterAnswer>;
  readonly classes?: TabularClasses;
  readonly regression?: string;
}

/**
 * Makes a program of a model, whose columns are one matrix of numbers; or, where some had texts in training, one by one.
 * @param bytes size of the model's files
 * @param compile adds the steps behind a matrix of float64 of the model's columns
 */
export function modelProgram(
  { header, categories }: TextModel,
  bytes: number,
  compile: (from: string, add: AddStep) => ProgramAnswers,
): TabularProgram {
  const operations: TabularOperation[] = [];
  const add: AddStep = (from, step) => {
    const to = `${step.kind}-${operations.length}`;
    operations.push({ ...step, from, to } as TabularOperation);
    return to;
  };
  const names = header.names ?? Array.from({ length: header.columns }, (_, i) => `Column_${i}`);
  const hasTexts = [...categories.values()].some(isOfTexts);
  const inputs: readonly TabularInput[] = hasTexts
    ? columnInputs(names, categories)
    : [
        {
          alias: ALIAS,
          value: INPUT,
          type: "float64",
          columns: header.columns,
          vector: false,
          ...(header.names !== undefined && { columnNames: header.names }),
        },
      ];
  const from = hasTexts ? fromColumns(names, categories, add) : withCodes(header.columns, names, categories, add);
  const { answers, ...more } = compile(from, add);
  return {
    runtime: "tabular",
    inputs,
    operations,
    ...tabularSignatures(
      inputs,
      new Map(
        Array.from(answers, ([method, answer]): [string, readonly TabularAnswer[]] => [method, [{ ...answer, alias: method }]]),
      ),
    ),
    ...more,
    bytes,
  };
}

/** What classify or regress calls answer, which may need a step more. */
function classesOrRegression(
  { header: { classes, objective = "" } }: TextModel,
  answers: ReadonlyMap<BoosterMethod, BoosterAnswer>,
  add: AddStep,
): Pick<ProgramAnswers, "classes" | "regression"> {
  const { value, vector } = answers.get("predict")!;
  const labels = Array.from({ length: Math.max(2, classes) }, (_, i) => i);
  const [name = ""] = objective.split(" ");
  if (name === "binary") return { classes: { scores: add(value, { kind: "link", link: { kind: "complement" } }), labels } };
  if (/^(multiclass|softmax|ova|ovr)/.test(name) && classes > 1) return { classes: { scores: value, labels } };
  return vector ? { regression: value } : {};
}

function columnInputs(names: readonly string[], categories: CategoryTables): readonly TabularInput[] {
  const aliases = new Set(names).size === names.length ? names : names.map((_, column) => `Column_${column}`);
  return aliases.map((alias, column) => {
    const table = categories.get(column);
    return {
      alias,
      value: `column-${column}`,
      type: table !== undefined && isOfTexts(table) ? "texts" : "float64",
      columns: 1,
      vector: true,
    };
  });
}

/** The matrix of columns that come one by one. */
function fromColumns(names: readonly string[], categories: CategoryTables, add: AddStep): string {
  const parts = names.map((name, column) => {
    const table = categories.get(column);
    return table === undefined ? `column-${column}` : add(`column-${column}`, lookup([table], [name]));
  });
  return parts.length === 1 ? parts[0]! : add(parts, { kind: "concat" });
}

/** The matrix with the codes of numbers that are categories. */
function withCodes(columns: number, names: readonly string[], categories: CategoryTables, add: AddStep): string {
  if (categories.size === 0) return INPUT;
  const coded = [...categories.keys()];
  const others = Array.from({ length: columns }, (_, column) => column).filter((column) => !categories.has(column));
  const codes = add(
    add(INPUT, { kind: "select", columns: Int32Array.from(coded) }),
    lookup(
      [...categories.values()],
      coded.map((column) => names[column]!),
    ),
  );
  if (others.length === 0) return codes;
  const all = add([add(INPUT, { kind: "select", columns: Int32Array.from(others) }), codes], { kind: "concat" });
  const order = [...others, ...coded];
  return add(all, { kind: "select", columns: Int32Array.from({ length: columns }, (_, column) => order.indexOf(column)) });
}

function lookup(tables: readonly LookupTable[], what: readonly string[]) {
  return { kind: "lookup", tables, what } as const;
}

/** The answers of a program of a booster that a pickle had. */
export function programAnswers({ answers, prediction, regression }: CompiledBooster): ProgramAnswers {
  return {
    answers,
    ...(prediction && { classes: { scores: prediction.scores, labels: prediction.labels } }),
    ...(regression !== undefined && { regression }),
  };
}
