import type {
  PmmlExpression,
  PmmlField,
  PmmlFunction,
  PmmlOptype,
  PmmlTreatment,
  PmmlType,
  PmmlValue,
} from "../../model/tabular/pmml-fields.ts";
import type { PmmlColumn } from "../../model/tabular/pmml-operations.ts";
import { isNumberType } from "../../model/tabular/pmml-values.ts";
import type { DataField } from "./data-dictionary.ts";
import { readOptype, readType } from "./data-dictionary.ts";
import { type Element, shortened } from "./element.ts";

/** Steps from a field to those that it is made of, and on to theirs, that are followed when a row is evaluated. */
const MOST_DEPTH = 500;
/** A function counts once for each combination of types that it is called with. */
const MOST_FUNCTIONS = 10_000;
/** Steps of a call: functions may call others twice, and these others. */
const MOST_STEPS = 1_000_000;

/** What is done to values where nothing else is said. */
export const DEFAULT_TREATMENT: PmmlTreatment = {
  outliers: "asIs",
  low: Number.NEGATIVE_INFINITY,
  high: Number.POSITIVE_INFINITY,
  invalid: "returnInvalid",
  invalidReplacement: null,
  refusesMissing: false,
  missingReplacement: null,
};

/** Reads the expression of a derived field. `depth` is how deep its parts are nested. */
export type ReadExpression = (element: Element, scope: Scope) => { readonly expression: PmmlExpression; readonly depth: number };

/** A function, how deep its parts are nested and how many steps it takes. */
interface MadeFunction {
  readonly function: PmmlFunction;
  readonly depth: number;
  readonly steps: number;
}

/** All fields, functions and inputs of a document, as they come up. */
export class DocumentFields {
  readonly fields: PmmlField[] = [];
  readonly functions: PmmlFunction[] = [];
  readonly columns: PmmlColumn[] = [];
  readonly dataFields: ReadonlyMap<string, DataField>;
  /** Fields that a request may have and that no model has asked for yet. */
  readonly spare = new Map<string, PmmlTreatment>();
  /** Of the transformation dictionary, by name. */
  readonly derived = new Map<string, Element>();
  readonly functionElements = new Map<string, Element>();
  readonly readExpression: ReadExpression;
  /** By slot. */
  readonly depths: number[] = [];
  readonly #columnsByName = new Map<string, number>();
  readonly #functionsByKey = new Map<string, number>();
  readonly #functionDepths: number[] = [];
  readonly #functionSteps: number[] = [];
  readonly #openFunctions = new Set<string>();
  readonly #leaves = new Map<string, ReadonlySet<string>>();

  constructor(dataFields: ReadonlyMap<string, DataField>, readExpression: ReadExpression) {
    this.dataFields = dataFields;
    this.readExpression = readExpression;
  }

  /** Names of {@link spare} that nobody asked for. */
  unasked(): readonly string[] {
    return [...this.spare.keys()].filter((name) => !this.#columnsByName.has(name));
  }

  add(field: PmmlField, depth = 0): number {
    this.depths.push(depth);
    return this.fields.push(field) - 1;
  }

  /** A slot that a model sets. */
  given(name: string, type: PmmlType, optype: PmmlOptype, order?: readonly PmmlValue[]): number {
    return this.add({ name, type, optype, ...(order && { order }), source: { kind: "given" } });
  }

  /** The slot of what a request has for a data field. */
  input(field: DataField, treatment: PmmlTreatment): number {
    const { name, type, optype, validity } = field;
    const order = optype === "ordinal" && validity.values.length > 0 ? { order: validity.values } : {};
    const column = this.#column(field);
    return this.add({ name, type, optype, ...order, source: { kind: "input", column, validity, treatment } });
  }

  /** The number of a function, which is made when it comes up first. */
  function(key: string, element: Element, make: () => MadeFunction): number {
    const known = this.#functionsByKey.get(key);
    if (known !== undefined) return known;
    if (this.#openFunctions.has(key)) throw element.fault("calls itself");
    if (this.#openFunctions.size >= MOST_DEPTH / 5) throw element.refused("a chain of calls of too many functions");
    if (this.functions.length >= MOST_FUNCTIONS) throw element.refused(`calls with more than ${MOST_FUNCTIONS} types`);
    this.#openFunctions.add(key);
    const made = make();
    this.#openFunctions.delete(key);
    if (made.depth > MOST_DEPTH) throw element.refused(`calls nested deeper than ${MOST_DEPTH}`);
    if (made.steps > MOST_STEPS) throw element.refused(`more than ${MOST_STEPS} steps`);
    this.#functionDepths.push(made.depth);
    this.#functionSteps.push(made.steps);
    const index = this.functions.push(made.function) - 1;
    this.#functionsByKey.set(key, index);
    return index;
  }

  stepsOfFunction(index: number): number {
    return this.#functionSteps[index];
  }

  depthOfFunction(index: number): number {
    return this.#functionDepths[index];
  }

  /** The number of an input of which a row has several texts. */
  listColumn(name: string): number {
    const column = this.#columnsByName.get(name)!;
    this.columns[column] = { ...this.columns[column], texts: true, lists: true };
    return column;
  }

  #column({ name, type }: DataField): number {
    const known = this.#columnsByName.get(name);
    if (known !== undefined) return known;
    const column = this.columns.push({ name, type, texts: !isNumberType(type) }) - 1;
    this.#columnsByName.set(name, column);
    return column;
  }

  /** Names that a derived field of the transformation dictionary is made of, those of derived fields not among them. */
  leavesOf(name: string): ReadonlySet<string> {
    const known = this.#leaves.get(name);
    if (known !== undefined) return known;
    const leaves = new Set<string>();
    this.#leaves.set(name, leaves);
    const waiting = [this.derived.get(name)!];
    const seen = new Set([name]);
    for (let element = waiting.pop(); element !== undefined; element = waiting.pop()) {
      waiting.push(...element.children);
      for (const attribute of ["field", "textField"]) {
        const used = element.get(attribute);
        if (used === undefined || seen.has(used)) continue;
        seen.add(used);
        const other = this.derived.get(used);
        if (other === undefined) leaves.add(used);
        else waiting.push(other);
      }
    }
    return leaves;
  }
}

/**
 * The names that a model knows: its mining fields and local transformations, what its segments answer, and what the model around it knows.
 * A field of the transformation dictionary is made of the values that this model sees.
 */
export class Scope {
  readonly document: DocumentFields;
  readonly #parent: Scope | undefined;
  /** Whether nothing is known but what is declared. */
  readonly #closed: boolean;
  readonly #slots = new Map<string, number>();
  readonly #local = new Map<string, Element>();
  /** Names that are being looked up: one that comes again is made of itself. */
  readonly #open = new Set<string>();
  #deepest = 0;

  constructor(document: DocumentFields, parent?: Scope, closed = false) {
    this.document = document;
    this.#parent = parent;
    this.#closed = closed;
  }

  /** A scope for the parameters of a function. */
  ofFunction(): Scope {
    return new Scope(this.document, undefined, true);
  }

  /** The longest chain behind a slot that was asked for. */
  get depth(): number {
    return this.#deepest;
  }

  /** Makes a name stand for a slot; the last one counts. */
  declare(name: string, slot: number): void {
    this.#slots.set(name, slot);
  }

  /** Makes a name stand for a derived field, which is read once somebody asks for it. */
  define(name: string, element: Element): void {
    this.#local.set(name, element);
  }

  /** The slot of a name. @throws ServingError data-loss, naming `at`, for one that is not known. */
  slot(name: string, at: Element): number {
    const slot = this.find(name, at);
    if (slot === undefined) throw at.fault(`refers to the field "${shortened(name)}", which there is not`);
    this.#deepest = Math.max(this.#deepest, this.document.depths[slot]);
    return slot;
  }

  /** The field of a name. */
  field(name: string, at: Element): PmmlField {
    return this.document.fields[this.slot(name, at)];
  }

  /** As {@link slot}, undefined for a name that is not known. */
  find(name: string, at: Element): number | undefined {
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const local = this.#local.get(name);
    const found = local === undefined ? this.#outer(name, at) : this.#derive(name, local);
    if (found !== undefined) this.#slots.set(name, found);
    return found;
  }

  #outer(name: string, at: Element): number | undefined {
    if (this.#closed) return undefined;
    const element = this.document.derived.get(name);
    if (this.#parent !== undefined && (element === undefined || !this.#seesOtherwise(name, at)))
      return this.#parent.find(name, at);
    if (element !== undefined) return this.#derive(name, element);
    const field = this.document.dataFields.get(name);
    return field && this.document.input(field, this.document.spare.get(name) ?? DEFAULT_TREATMENT);
  }

  /** Whether this model sees some of what a field is made of with other values than the model around it. */
  #seesOtherwise(name: string, at: Element): boolean {
    for (const leaf of this.document.leavesOf(name)) {
      const own = this.#slots.get(leaf);
      if (own !== undefined && own !== this.#parent?.find(leaf, at)) return true;
      if (this.#local.has(leaf)) return true;
    }
    return false;
  }

  #derive(name: string, element: Element): number {
    if (this.#open.has(name)) throw element.fault(`is made of itself`);
    if (this.#open.size >= MOST_DEPTH) throw element.refused(`a chain of more than ${MOST_DEPTH} derived fields`);
    const around = this.#deepest;
    this.#open.add(name);
    this.#deepest = 0;
    const { expression, depth } = this.document.readExpression(element, this);
    const whole = this.#deepest + depth + 1;
    if (whole > MOST_DEPTH) throw element.refused(`a chain of more than ${MOST_DEPTH} derived fields`);
    this.#open.delete(name);
    this.#deepest = around;
    const type = readType(element, expression.type);
    const order = element.all("Value").map((each) => each.need("value"));
    return this.document.add(
      {
        name,
        type,
        optype: readOptype(element, type),
        ...(element.get("optype") === "ordinal" && type === "string" && order.length > 0 ? { order } : {}),
        source: { kind: "derived", expression },
      },
      whole,
    );
  }
}
