import { ServingError } from "../../base/serving-error.ts";
import type { TabularInput, TabularOperation } from "../../model/tabular/tabular-program.ts";
import type { Estimator } from "./estimator.ts";

/** The alias of a model's only input. */
const ALIAS = "X";
const MATRIX = "input";

/** What columns are asked for as. */
type Type = "float64" | "texts";

/** Columns that were asked for as one value. */
interface Asked {
  readonly value: string;
  readonly type: Type;
  /** All of them when it is undefined. */
  readonly places: readonly number[] | undefined;
}

/**
 * What a model asks of its requests: texts of one column, a matrix, or columns by their names. Which it is turns out when all estimators
 * have asked for what they take.
 */
export class RequestInputs {
  readonly #asked = new Map<string, Asked>();
  #columns: number | undefined;
  #names: readonly string[] | undefined;
  #byName = false;
  #document = false;

  /** Columns of a request become inputs of their own where they have names. */
  takeByName(): void {
    this.#byName = true;
  }

  /**
   * Says how many columns there are, and their names where they are known.
   * @throws ServingError data-loss, naming the estimator, when others have said something else
   */
  declare(estimator: Estimator, columns: number, names: readonly string[] | undefined): void {
    if (this.#columns !== undefined && this.#columns !== columns) {
      throw estimator.damaged("n_features_in_", `is ${columns}, others of the model take ${this.#columns}`);
    }
    this.#columns = columns;
    if (names !== undefined && new Set(names).size === names.length) this.#names ??= names;
  }

  /** Columns that have been declared, by whoever did. */
  get columns(): number | undefined {
    return this.#columns;
  }

  /** Names of some columns, where they are known. */
  namesOf(places: readonly number[]): readonly string[] | undefined {
    return this.#names && places.map((place) => this.#names![place]);
  }

  /** The value of some columns, or all, as numbers or texts. They have been declared. */
  ask(type: Type, places?: readonly number[]): string {
    const key = `${type} ${places?.join() ?? "all"}`;
    const known = this.#asked.get(key);
    if (known !== undefined) return known.value;
    const isAll = places === undefined && type === "float64";
    const value = isAll ? MATRIX : `${MATRIX}-${this.#asked.size}`;
    this.#asked.set(key, { value, type, places });
    return value;
  }

  /** The value of a request that is texts. */
  askDocument(): string {
    this.#document = true;
    return "document";
  }

  /** The inputs, and what makes of them the values that were asked for. @throws ServingError unimplemented for what does not go together */
  finish(): { readonly inputs: readonly TabularInput[]; readonly operations: readonly TabularOperation[] } {
    const asked = [...this.#asked.values()];
    if (this.#document) {
      if (asked.length > 0)
        throw new ServingError("unimplemented", "the model takes its rows as texts and as columns, which is not covered");
      return { inputs: [{ alias: ALIAS, value: "document", type: "texts", columns: 1, vector: true }], operations: [] };
    }
    if (this.#columns === undefined || asked.length === 0) {
      throw new ServingError("unimplemented", "the model does nothing with its rows");
    }
    const isPlain = asked.every(({ type }) => type === asked[0].type) && !(this.#byName && this.#names !== undefined);
    return isPlain ? matrixInput(asked, this.#columns, this.#names) : columnInputs(asked, this.#columns, this.#names);
  }
}

/** All columns as one matrix. */
function matrixInput(
  asked: readonly Asked[],
  columns: number,
  names: readonly string[] | undefined,
): ReturnType<RequestInputs["finish"]> {
  const all = asked.find(({ places }) => places === undefined);
  const value = all?.value ?? MATRIX;
  const operations = asked.flatMap(({ value: to, places }): readonly TabularOperation[] =>
    places === undefined ? [] : [{ kind: "select", from: value, to, columns: Int32Array.from(places) }],
  );
  const input: TabularInput = { alias: ALIAS, value, type: asked[0].type, columns, vector: false };
  return { inputs: [names === undefined ? input : { ...input, columnNames: names }], operations };
}

/** Each column as an input; those that nobody asked for may be left out, and are declared as texts, which JSON's numbers can be too. */
function columnInputs(
  asked: readonly Asked[],
  columns: number,
  names: readonly string[] | undefined,
): ReturnType<RequestInputs["finish"]> {
  const nameOf = (place: number) => names?.[place] ?? `x${place}`;
  const types = new Map<number, Type>();
  const operations = asked.map(({ value, type, places }): TabularOperation => {
    const own = places ?? Array.from({ length: columns }, (_, place) => place);
    for (const place of own) {
      if (types.has(place) && types.get(place) !== type) {
        throw new ServingError(
          "unimplemented",
          `column "${nameOf(place).slice(0, 100)}" is used as numbers and as texts, which is not covered`,
        );
      }
      types.set(place, type);
    }
    return { kind: "concat", from: own.map((place) => `column-${place}`), to: value };
  });
  const inputs = Array.from({ length: columns }, (_, place): TabularInput => {
    const type = types.get(place);
    const input = { alias: nameOf(place), value: `column-${place}`, columns: 1, vector: true };
    return type === undefined ? { ...input, type: "texts", optional: true, unused: true } : { ...input, type };
  });
  return { inputs, operations };
}
