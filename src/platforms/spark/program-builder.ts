import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import type {
  Link,
  TabularClasses,
  TabularInput,
  TabularOperation,
  TabularProgram,
} from "../../model/tabular/tabular-program.ts";
import { type TabularAnswer, tabularSignatures } from "../../model/tabular/tabular-signatures.ts";
import { type Column, WidthFound, type WidthOrigin } from "./columns.ts";
import type { Stage } from "./stage.ts";

/** Nodes of trees, and the like, that are looked at without letting others have their turn. */
const TURN_NODES = 20_000;
/** Columns that a request may have, and numbers that a row may be made of where it is no sparse one. */
const MOST_INPUTS = 10_000;
const MOST_WIDTH = 2 ** 22;
/** Columns that a sparse vector may have and still be answered where it is only on the way to something else. */
const MOST_ANSWERED = 1024;

/** A step without the names of what it takes and gives. */
type Step = TabularOperation extends infer One ? (One extends TabularOperation ? Omit<One, "from" | "to"> : never) : never;

/** How a column of the request is used first; it stays what it is then. */
type InputKind = "number" | "vector" | "text" | "hashed";

interface Input {
  readonly kind: InputKind;
  readonly column: Column;
  readonly optional: boolean;
}

/** The steps of a program, as the stages come, and the columns that they make. */
export class ProgramBuilder {
  readonly #signal: AbortSignal;
  /** Widths of the request's vectors that are known by now. */
  readonly #widths: ReadonlyMap<string, number>;
  /** Columns that later stages take, so that an indexer can tell whether it is only for training. */
  readonly #taken: ReadonlySet<string>;
  readonly #operations: TabularOperation[] = [];
  readonly #inputs = new Map<string, Input>();
  readonly #columns = new Map<string, Column>();
  readonly #used = new Set<string>();
  #nodes = 0;
  classes: TabularClasses | undefined;
  regression: string | undefined;

  constructor(widths: ReadonlyMap<string, number>, taken: ReadonlySet<string>, signal: AbortSignal) {
    this.#widths = widths;
    this.#taken = taken;
    this.#signal = signal;
  }

  /** Lets others have their turn when much was looked at. @throws ServingError when the signal aborts */
  async turn(nodes: number): Promise<void> {
    this.#nodes += nodes;
    if (this.#nodes < TURN_NODES) return;
    this.#nodes = 0;
    await setImmediate();
    throwIfAborted(this.#signal);
  }

  /** Adds a step; its value's name. */
  add(from: string | readonly string[], step: Step): string {
    const to = `${step.kind}-${this.#operations.length}`;
    this.#operations.push({ ...step, from, to } as TabularOperation);
    return to;
  }

  /** Adds links one after the other; the last value's name. */
  link(from: string, ...links: readonly Link[]): string {
    return links.reduce((value, link) => this.add(value, { kind: "link", link }), from);
  }

  /** Whether a column is there or is made, or comes with the request only because a stage wants it. */
  has(name: string): boolean {
    return this.#columns.has(name);
  }

  /** Whether some stage takes a column. */
  isTaken(name: string): boolean {
    return this.#taken.has(name);
  }

  /** Whether a column is the request's, and nothing tells if it has numbers or texts. */
  isEither(name: string): boolean {
    const input = this.#inputs.get(name);
    return input?.kind === "hashed" && this.#columns.get(name) === input.column;
  }

  /** What stands for the numbers of a column, as an indexer made them; undefined where there is no such one. */
  labelsOf(name: string): readonly string[] | undefined {
    return this.#columns.get(name)?.labels;
  }

  /** The column of numbers that a stage takes; `optional` when requests may leave it out. */
  number(stage: Stage, name: string, optional = false): Column {
    return this.#take(stage, name, "number", ["number"], optional);
  }

  /** The column of texts that a stage takes; `optional` when requests may leave it out. */
  text(stage: Stage, name: string, optional = false): Column {
    return this.#take(stage, name, "text", ["text"], optional);
  }

  /** The column of words that a stage takes; requests have none. */
  words(stage: Stage, name: string): Column {
    const column = this.#columns.get(name);
    if (column?.kind === "words") return this.#mark(name, column);
    throw stage.uncovered(
      `column "${shown(name)}" would have to be lists of words, which requests have not: put a tokenizer before it`,
    );
  }

  /** The column of numbers or vectors that a stage takes; `kind` when the request has it. */
  numbers(stage: Stage, name: string, kind: "number" | "vector"): Column {
    return this.#take(stage, name, kind, ["number", "vector"]);
  }

  /** The column of numbers or texts that a stage takes. */
  hashed(stage: Stage, name: string): Column {
    return this.#take(stage, name, "hashed", ["number", "text"]);
  }

  /**
   * The column of vectors that a stage takes.
   * @param width numbers that it has to have, where the stage knows
   * @throws WidthFound when that tells the width of the request's
   */
  vector(stage: Stage, name: string, width?: number): Column {
    const column = this.#take(stage, name, "vector", ["vector"]);
    if (width === undefined || column.width === width) return column;
    if (column.width === undefined) {
      const found = column.origin?.widthFrom(width);
      if (found !== undefined && column.origin !== undefined)
        throw new WidthFound(column.origin.input, checkedWidth(stage, found));
    } else if (column.raw?.length === 1 && !this.#widths.has(column.raw[0])) {
      // Of the columns that were put together, the only one that came with the request is no number but a vector.
      const [input] = column.raw;
      if (width > column.width) throw new WidthFound(input, checkedWidth(stage, width - column.width + 1));
    }
    throw stage.uncovered(
      `column "${shown(name)}" has ${column.width ?? "another number of"} numbers where the model takes ${width}`,
    );
  }

  /** A vector as a plain matrix. */
  dense(column: Column): string {
    return column.sparse ? this.add(column.value, { kind: "dense", columns: column.width ?? 1 }) : column.value;
  }

  /** Puts a column that a stage makes into the data frame. */
  put(stage: Stage, name: string, column: Column): void {
    if (column.width !== undefined) checkedWidth(stage, column.width);
    this.#columns.set(name, column);
    this.#used.delete(name);
  }

  /** Takes columns out of the data frame. */
  remove(names: readonly string[]): void {
    for (const name of names) this.#columns.delete(name);
  }

  /**
   * Makes a vector of as many numbers as another has, or as `widths` says. While the other's width is not known, the new one's is not.
   * @param make adds the steps, given the vector and its width
   */
  map(
    stage: Stage,
    from: string,
    to: string,
    make: (column: Column, width: number) => Partial<Column> & { readonly value: string },
    widths?: Widths,
  ): void {
    const column = this.vector(stage, from);
    if (column.width === undefined) {
      const { origin } = column;
      const widthFrom = widths?.before ?? ((width: number) => width);
      const chained: WidthOrigin | undefined = origin && {
        input: origin.input,
        widthFrom: (width) => {
          const before = widthFrom(width);
          return before === undefined ? undefined : origin.widthFrom(before);
        },
      };
      this.put(stage, to, { kind: "vector", value: "", width: undefined, sparse: false, origin: chained });
      return;
    }
    const width = checkedWidth(stage, widths?.after(column.width) ?? column.width);
    this.put(stage, to, { kind: "vector", sparse: false, width, ...make(column, column.width) });
  }

  /** The program that answers all columns that the stages made. @throws ServingError unimplemented when a vector's width is not known */
  program(bytes: number): TabularProgram {
    const inputs = Array.from(this.#inputs, ([alias, input]) => inputOf(alias, input));
    const answers = Array.from(this.#columns)
      .filter(([name, column]) => !this.#isRequest(name, column) && this.#isAnswered(name, column))
      .map(([name, column]) => this.#answer(name, column));
    if (inputs.length === 0 || answers.length === 0)
      throw new ServingError("unimplemented", "the stages make nothing of what a request has");
    return {
      runtime: "tabular",
      inputs,
      operations: this.#operations,
      ...tabularSignatures(inputs, new Map([["transform", answers]])),
      ...(this.classes === undefined ? {} : { classes: this.classes }),
      ...(this.regression === undefined ? {} : { regression: this.regression }),
      bytes,
    };
  }

  #isRequest(name: string, column: Column): boolean {
    return this.#inputs.get(name)?.column === column;
  }

  /** Wide vectors on the way to something else would be most of an answer. */
  #isAnswered(name: string, { sparse, width = 0 }: Column): boolean {
    return !sparse || width <= MOST_ANSWERED || !this.#used.has(name);
  }

  #answer(alias: string, column: Column): TabularAnswer {
    const { kind, width = 0, dtype = "float64" } = column;
    if (kind === "text" || kind === "words")
      return { alias, value: column.value, dtype: "string", vector: kind === "text", width: -1 };
    return { alias, value: this.dense(column), dtype, vector: kind === "number", width };
  }

  #take(stage: Stage, name: string, kind: InputKind, kinds: readonly Column["kind"][], optional = false): Column {
    const column = this.#columns.get(name) ?? this.#request(stage, name, kind, optional);
    if (!kinds.includes(column.kind)) {
      throw stage.uncovered(`column "${shown(name)}" would have to be a ${kinds[0]} and is a ${column.kind} for another stage`);
    }
    return this.#mark(name, column);
  }

  #mark(name: string, column: Column): Column {
    this.#used.add(name);
    return column;
  }

  /** A column that no stage made before is the request's. */
  #request(stage: Stage, name: string, asked: InputKind, optional: boolean): Column {
    if (this.#inputs.size >= MOST_INPUTS) throw stage.uncovered(`more than ${MOST_INPUTS} columns of a request are not covered`);
    if (name === "") throw stage.damaged("a column", "has no name");
    const found = this.#widths.get(name);
    const kind = asked === "number" && found !== undefined ? "vector" : asked;
    const value = `request-${name}`;
    const width = kind === "vector" ? found : 1;
    const column: Column = {
      kind: kind === "hashed" ? "text" : kind,
      value: width === undefined ? "" : value,
      width,
      sparse: false,
      ...(kind === "vector" ? { origin: { input: name, widthFrom: (own: number) => own } } : {}),
    };
    this.#columns.set(name, column);
    this.#inputs.set(name, { kind, column, optional });
    return column;
  }
}

/** How many numbers a vector has after a stage, for those before it, and the other way round. */
export interface Widths {
  readonly after: (before: number) => number;
  readonly before: (after: number) => number | undefined;
}

function inputOf(alias: string, { kind, column, optional }: Input): TabularInput {
  if (column.width === undefined) {
    const way = "put a VectorSizeHint with its size before the first stage";
    throw new ServingError(
      "unimplemented",
      `the files do not say how many numbers the vectors of column "${shown(alias)}" have: ${way}`,
    );
  }
  const isText = kind === "text" || kind === "hashed";
  return {
    alias,
    value: `request-${alias}`,
    type: isText ? "texts" : "float64",
    columns: column.width,
    vector: kind !== "vector",
    ...(kind === "text" ? { integers: true } : {}),
    ...(kind === "hashed" ? { takesNumbers: true } : {}),
    ...(optional ? { optional: true } : {}),
  };
}

function checkedWidth(stage: Stage, width: number): number {
  if (Number.isInteger(width) && width >= 0 && width <= MOST_WIDTH) return width;
  throw stage.uncovered(`vectors of ${width} numbers are not covered, at most ${MOST_WIDTH}`);
}

/** A column's name for errors. */
export function shown(name: string): string {
  return name.slice(0, 100);
}
