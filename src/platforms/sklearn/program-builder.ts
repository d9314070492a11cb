import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import { PickleObject, type PickleValue } from "../../codec/pickle/pickle-value.ts";
import type { Link, TabularClasses, TabularOperation, TabularProgram } from "../../model/tabular/tabular-program.ts";
import { type TabularAnswer, tabularSignatures } from "../../model/tabular/tabular-signatures.ts";
import type { PickledBoosters } from "../pickled-booster.ts";
import { type Answer, type Answers, matrixAnswer, type Prediction, plainAnswers } from "./answers.ts";
import { boosterAnswers, isSparseIn } from "./boosters.ts";
import { columnsOf, columnsOfSteps, namesOf } from "./columns-of.ts";
import { Estimator } from "./estimator.ts";
import { RequestInputs } from "./request-inputs.ts";
import { mixedRows, type NumberRows, numberRows, type Rows, sparseRows, textRows } from "./rows.ts";

/** Nodes of trees that are looked at without letting others have their turn. */
const TURN_NODES = 20_000;
/** Estimators of a model, and how many may be within one another. */
const MOST_ESTIMATORS = 10_000;
const MOST_DEPTH = 16;
/** Most bytes of all tables: so many, and so many times the file. */
const MOST_BYTES = 2 ** 28;
const MOST_TIMES = 64;
const LISTED_BYTES = 16;
const MOST_TABLE_DEPTH = 4;
/** Columns that sparse rows may have where they are to become a matrix. */
const MOST_DENSE = 1 << 16;

/** An estimator that predicts. @throws ServingError data-loss or unimplemented, which name the estimator */
export type Predictor = (estimator: Estimator, rows: Rows, builder: ProgramBuilder) => Answers | Promise<Answers>;

/** An estimator that changes rows. @throws ServingError data-loss or unimplemented, which name the estimator */
export type Transformer = (estimator: Estimator, rows: Rows, builder: ProgramBuilder) => Rows | Promise<Rows>;

/** What is known of estimators, by the names of their classes. */
export interface Estimators {
  readonly predictors: ReadonlyMap<string, Predictor>;
  readonly transformers: ReadonlyMap<string, Transformer>;
}

/** A step without the names of what it takes and gives. */
export type Step = TabularOperation extends infer One ? (One extends TabularOperation ? Omit<One, "from" | "to"> : never) : never;

/** The steps of a program, as they come, and how the estimators within one another are made into them. */
export class ProgramBuilder {
  /** What the model itself is asked. */
  static readonly REQUEST: Rows = { value: "", kind: "request", columns: 0 };
  readonly #estimators: Estimators;
  readonly #signal: AbortSignal;
  readonly #boosters: PickledBoosters | undefined;
  readonly #operations: TabularOperation[] = [];
  /** Values of links, by what they are of: members of ensembles ask for the same. */
  readonly #links = new Map<string, string>();
  /** What the model asks of its requests. */
  readonly request = new RequestInputs();
  /** Columns of a request, by the steps that get it. */
  #expected: number | undefined;
  /** Bytes of tables that may still be added: a pickle may name one estimator in many places. */
  #bytesLeft: number;
  #compiled = 0;
  #depth = 0;
  #nodes = 0;

  /**
   * @param boosters reads other libraries' estimators
   * @param bytes size of the model's files
   */
  constructor(estimators: Estimators, signal: AbortSignal, boosters?: PickledBoosters, bytes = 0) {
    this.#bytesLeft = MOST_BYTES + MOST_TIMES * bytes;
    this.#estimators = estimators;
    this.#signal = signal;
    this.#boosters = boosters;
  }

  /** Lets others have their turn when many nodes of trees were looked at. @throws ServingError when the signal aborts */
  async turn(nodes: number): Promise<void> {
    this.#nodes += nodes;
    if (this.#nodes < TURN_NODES) return;
    this.#nodes = 0;
    await setImmediate();
    throwIfAborted(this.#signal);
  }

  /** Adds a step; its value's name. @throws ServingError resource-exhausted for tables that are much larger than the file */
  add(from: string | readonly string[], step: Step): string {
    this.#bytesLeft -= tableBytes(step);
    if (this.#bytesLeft < 0)
      throw new ServingError("resource-exhausted", "the model's tables are too large for the size of its file");
    const to = `${step.kind}-${this.#operations.length}`;
    this.#operations.push({ ...step, from, to } as TabularOperation);
    return to;
  }

  /** Adds links one after the other, unless they are there already; the last value's name. */
  link(from: string, ...links: readonly Link[]): string {
    return links.reduce((value, link) => {
      const key = JSON.stringify([value, ...Object.values(link)]);
      const known = this.#links.get(key);
      if (known !== undefined) return known;
      const to = this.add(value, { kind: "link", link });
      this.#links.set(key, to);
      return to;
    }, from);
  }

  /** A value that a request is refused for when it has infinite numbers, or NaN. */
  finite(from: string, nan: "allowed" | "refused" = "refused"): string {
    return this.link(from, { kind: "finite", nan });
  }

  /** Columns of rows that an estimator gets. @throws ServingError data-loss where it does not say, or says something else */
  columns(estimator: Estimator, rows: Rows): number {
    if (rows.kind !== "request" || rows.places !== undefined) return rows.columns;
    // Some do not say it themselves, where those within them, or behind them, do.
    const columns = columnsOf(estimator, this.request.columns ?? this.#expected);
    this.request.declare(estimator, columns, namesOf(estimator, columns));
    return columns;
  }

  /** Says which steps get rows one after the other: when that is a request, the first may not know how many columns it has. */
  expect(steps: readonly PickleValue[], rows: Rows): void {
    if (rows.kind !== "request" || rows.places !== undefined) return;
    const estimators = steps.flatMap((step) =>
      step instanceof PickleObject && step.state instanceof Map ? [new Estimator(step)] : [],
    );
    this.#expected ??= columnsOfSteps(estimators);
  }

  /** Rows as a matrix of numbers. @throws ServingError unimplemented for what is none, data-loss for another number of columns */
  numbers(estimator: Estimator, rows: Rows): NumberRows {
    const given = this.sparse(estimator, rows);
    if (given.kind === "numbers") return given as NumberRows;
    if (given.columns > MOST_DENSE) {
      throw estimator.uncovered(`sparse rows of ${given.columns} columns are not covered, only up to ${MOST_DENSE}`);
    }
    return numberRows(this.add(given.value, { kind: "dense", columns: given.columns }), given.columns);
  }

  /** Rows as a matrix of numbers, or sparse ones. @throws ServingError as {@link numbers} */
  sparse(estimator: Estimator, rows: Rows): Rows {
    switch (rows.kind) {
      case "numbers":
      case "sparse":
        return rows;
      case "request": {
        const columns = this.columns(estimator, rows);
        const names = rows.places === undefined ? namesOf(estimator, columns) : rows.names;
        return numberRows(this.request.ask("float64", rows.places), columns, names);
      }
      case "mixed": {
        const parts = rows.parts!.map((part) => this.sparse(estimator, part));
        const values = parts.map(({ value }) => value);
        if (parts.some(({ kind }) => kind === "sparse"))
          return sparseRows(this.add(values, { kind: "sparse-concat" }), rows.columns);
        return numberRows(this.add(values, { kind: "concat" }), rows.columns);
      }
      case "texts":
        throw estimator.uncovered("it gets texts, which are not covered");
    }
  }

  /** Rows as a matrix of texts. @throws ServingError as {@link numbers} */
  texts(estimator: Estimator, rows: Rows): Rows {
    switch (rows.kind) {
      case "texts":
        return rows;
      case "request": {
        const columns = this.columns(estimator, rows);
        return textRows(this.request.ask("texts", rows.places), columns);
      }
      case "mixed": {
        const values = rows.parts!.map((part) => this.texts(estimator, part).value);
        return textRows(this.add(values, { kind: "concat" }), rows.columns);
      }
      case "numbers":
      case "sparse":
        throw estimator.uncovered("it gets numbers where it takes texts, which is not covered");
    }
  }

  /** The value of texts of one column each. @throws ServingError as {@link numbers} */
  document(estimator: Estimator, rows: Rows): string {
    if (rows.kind === "request" && rows.places === undefined) return this.request.askDocument();
    const { value, columns } = this.texts(estimator, rows);
    if (columns !== 1) throw estimator.uncovered(`it gets ${columns} columns where it takes texts of one`);
    return value;
  }

  /** Some columns of rows. They must be there: places are below {@link columns}. */
  select(rows: Rows, places: readonly number[]): Rows {
    switch (rows.kind) {
      case "request": {
        const own = rows.places === undefined ? places : places.map((place) => rows.places![place]);
        const names = this.request.namesOf(own);
        return { value: "", kind: "request", columns: own.length, places: own, ...(names === undefined ? {} : { names }) };
      }
      case "mixed":
        return this.#selectOfMixed(rows.parts!, places);
      case "numbers":
      case "sparse":
      case "texts": {
        if (places.length === rows.columns && places.every((place, i) => place === i)) return rows;
        const rising = places.every((place, i) => i === 0 || place > places[i - 1]);
        // Sparse rows have their columns in order, and each once.
        const { value, kind } =
          rows.kind === "sparse" && !rising
            ? numberRows(this.add(rows.value, { kind: "dense", columns: rows.columns }), rows.columns)
            : rows;
        return {
          value: this.add(value, { kind: "select", columns: Int32Array.from(places) }),
          kind,
          columns: places.length,
          isSparse: rows.isSparse ?? false,
        };
      }
    }
  }

  #selectOfMixed(parts: readonly Rows[], places: readonly number[]): Rows {
    const groups: { readonly part: Rows; readonly places: number[] }[] = [];
    for (const each of places) {
      let [index, place] = [0, each];
      while (place >= parts[index].columns) place -= parts[index++].columns;
      const last = groups.at(-1);
      if (last?.part === parts[index]) last.places.push(place);
      else groups.push({ part: parts[index], places: [place] });
    }
    return mixedRows(groups.map(({ part, places: own }) => this.select(part, own)));
  }

  /** What an estimator answers that a pickle has. @throws ServingError unimplemented, which names it, for those that are not covered */
  answers(value: PickleValue | undefined, rows: Rows): Promise<Answers> {
    const boosters = this.#boosters;
    if (value instanceof PickleObject && boosters?.knows(value)) {
      return this.#counted(new Estimator(value), (estimator) =>
        boosterAnswers(value, estimator, rows, this, boosters, this.#signal),
      );
    }
    return this.#within(value, async (estimator) => {
      const predictor = this.#estimators.predictors.get(estimator.name);
      if (predictor !== undefined) return predictor(estimator, rows, this);
      const transformed = await this.#transformer(estimator)(estimator, rows, this);
      return this.transformAnswers(estimator, transformed);
    });
  }

  /** What a transformer answers: the rows that it makes, which may be texts. */
  transformAnswers(estimator: Estimator, rows: Rows): Answers {
    if (rows.kind === "texts") return plainAnswers(["transform", matrixAnswer(rows.value, rows.columns, "string")]);
    return plainAnswers(["transform", matrixAnswer(this.numbers(estimator, rows).value, rows.columns)]);
  }

  /** What an estimator makes of rows that others follow. @throws ServingError as {@link answers} */
  transformed(value: PickleValue | undefined, rows: Rows): Promise<Rows> {
    return this.#within(value, async (estimator) => {
      if (this.#estimators.transformers.has(estimator.name)) {
        const made = await this.#transformer(estimator)(estimator, rows, this);
        return { ...made, isSparse: isSparseIn(estimator, rows, made) };
      }
      const predictor = this.#estimators.predictors.get(estimator.name);
      if (predictor === undefined) return this.#transformer(estimator)(estimator, rows, this);
      const { methods } = await predictor(estimator, rows, this);
      const answer = methods.get("transform");
      if (answer === undefined || !("value" in answer))
        throw estimator.uncovered("as a step that others follow, it is not covered");
      return numberRows(answer.value, answer.width);
    });
  }

  /** The program that answers each method by a signature of its name; the first is the default. */
  program({ methods, prediction, regression }: Answers, bytes: number): TabularProgram {
    const { inputs, operations } = this.request.finish();
    const signatures = new Map(Array.from(methods, ([method, answer]) => [method, namedAnswers(method, answer)] as const));
    const classes = prediction && this.#classes(prediction, methods.get("predict_proba"));
    return {
      runtime: "tabular",
      inputs,
      operations: [...operations, ...this.#operations],
      ...tabularSignatures(inputs, signatures),
      ...(classes === undefined ? {} : { classes }),
      ...(regression === undefined ? {} : { regression }),
      bytes,
    };
  }

  #classes({ labels, number }: Prediction, shares: Answer | readonly Answer[] | undefined): TabularClasses {
    if (shares !== undefined && "value" in shares) return { scores: shares.value, labels };
    return { scores: this.add(number, { kind: "one-hot", sizes: Int32Array.of(labels.length) }), labels };
  }

  async #within<Result>(value: PickleValue | undefined, compile: (estimator: Estimator) => Promise<Result>): Promise<Result> {
    if (!(value instanceof PickleObject) || !value.type.module.startsWith("sklearn.")) {
      const what = value instanceof PickleObject ? value.type.full.slice(0, 100) : "something else";
      throw new ServingError("unimplemented", `the pickle holds ${what}, not an estimator of scikit-learn`);
    }
    return this.#counted(new Estimator(value), compile);
  }

  async #counted<Result>(estimator: Estimator, compile: (estimator: Estimator) => Promise<Result>): Promise<Result> {
    if (++this.#compiled > MOST_ESTIMATORS || this.#depth >= MOST_DEPTH) {
      throw new ServingError(
        "resource-exhausted",
        `${estimator.name}: there are more than ${MOST_ESTIMATORS} estimators, or ${MOST_DEPTH} in one another`,
      );
    }
    await this.turn(TURN_NODES / 100);
    this.#depth++;
    try {
      return await compile(estimator);
    } finally {
      this.#depth--;
    }
  }

  #transformer({ name }: Estimator): Transformer {
    const transformer = this.#estimators.transformers.get(name);
    if (transformer !== undefined) return transformer;
    throw new ServingError("unimplemented", `${name.slice(0, 100)} of scikit-learn is not covered`);
  }
}

/** Bytes of the arrays of a step, about, which lie within at most four objects; a text or number of a list takes some bytes too. */
function tableBytes(step: object, depth = 0): number {
  let bytes = 0;
  for (const value of Object.values(step) as readonly unknown[]) {
    if (ArrayBuffer.isView(value)) {
      bytes += value.byteLength;
      continue;
    }
    if (typeof value !== "object" || value === null) continue;
    if (Array.isArray(value)) bytes += LISTED_BYTES * value.length;
    // What a list has is alike.
    const isPlainList = Array.isArray(value) && typeof value[0] !== "object";
    if (depth < MOST_TABLE_DEPTH && !isPlainList) bytes += tableBytes(value, depth + 1);
  }
  return bytes;
}

/** Answers of a method with the aliases that its signature gives them. */
function namedAnswers(method: string, answer: Answer | readonly Answer[]): readonly TabularAnswer[] {
  if ("value" in answer) return [{ ...answer, alias: method }];
  return answer.map((each, i) => ({ ...each, alias: `${method}_${i}` }));
}
