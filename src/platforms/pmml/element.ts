import { ServingError } from "../../base/serving-error.ts";
import { parseNumber } from "../../model/tabular/pmml-values.ts";

/** An element of a PMML document. What is no element of PMML's has its prefix in its name; extensions are not there. */
export class Element {
  readonly name: string;
  /** Its own text, all pieces of it. */
  text = "";
  #first: Element | undefined;
  #last: Element | undefined;
  #next: Element | undefined;
  readonly #file: string;
  readonly #line: number;
  /** Names and values in turn: there are millions of elements with one to three attributes. */
  readonly #attributes: readonly string[];

  constructor(file: string, line: number, name: string, attributes: readonly string[]) {
    this.#file = file;
    this.#line = line;
    this.name = name;
    this.#attributes = attributes;
  }

  /** The elements in it, in order. */
  get children(): Element[] {
    const children: Element[] = [];
    for (let child = this.#first; child !== undefined; child = child.#next) children.push(child);
    return children;
  }

  /** Adds an element behind those that are there. It must be in no other. */
  append(child: Element): void {
    if (this.#last === undefined) this.#first = child;
    else this.#last.#next = child;
    this.#last = child;
  }

  /** An attribute's value, if it is there. */
  get(name: string): string | undefined {
    for (let i = 0; i < this.#attributes.length; i += 2) if (this.#attributes[i] === name) return this.#attributes[i + 1];
    return undefined;
  }

  /** @throws ServingError data-loss when the attribute is not there. */
  need(name: string): string {
    const value = this.get(name);
    if (value === undefined) throw this.fault(`has no attribute "${name}"`);
    return value;
  }

  /** @throws ServingError data-loss for what is no finite number, and for none where there is no `otherwise`. */
  number(name: string, otherwise?: number): number {
    const text = this.get(name);
    if (text === undefined && otherwise !== undefined) return otherwise;
    const value = parseNumber(this.need(name));
    if (value === undefined || !Number.isFinite(value)) throw this.fault(`has ${name}="${shortened(text!)}", which is no number`);
    return value;
  }

  /** As {@link number}, for whole numbers of a range. */
  integer(name: string, least: number, most: number, otherwise?: number): number {
    const value = this.number(name, otherwise);
    if (!Number.isInteger(value) || value < least || value > most)
      throw this.fault(`has ${name}="${value}", not a whole number from ${least} to ${most}`);
    return value;
  }

  /** One of the words. @throws ServingError unimplemented for another, data-loss for none where there is no `otherwise`. */
  choice<Word extends string>(name: string, words: readonly Word[], otherwise?: Word): Word {
    const text = this.get(name)?.trim();
    if (text === undefined && otherwise !== undefined) return otherwise;
    const found = words.find((word) => word === (text ?? this.need(name)));
    if (found === undefined) throw this.refused(`${name}="${shortened(text!)}" (known: ${words.join(", ")})`);
    return found;
  }

  /** Whether an attribute says yes. */
  flag(name: string, otherwise = false): boolean {
    const text = this.get(name)?.trim();
    if (text === undefined) return otherwise;
    if (text === "true" || text === "1") return true;
    if (text === "false" || text === "0") return false;
    throw this.fault(`has ${name}="${shortened(text)}", which is neither true nor false`);
  }

  /** The first child of a name. */
  child(...names: readonly string[]): Element | undefined {
    for (let child = this.#first; child !== undefined; child = child.#next) if (names.includes(child.name)) return child;
    return undefined;
  }

  /** @throws ServingError data-loss when there is no such child. */
  needChild(...names: readonly string[]): Element {
    const child = this.child(...names);
    if (child === undefined) throw this.fault(`has no <${names[0]}>`);
    return child;
  }

  /** The children of some names, in order. */
  all(...names: readonly string[]): Element[] {
    return this.children.filter(({ name }) => names.includes(name));
  }

  /** The error that this element is not as the format says. */
  fault(what: string): ServingError {
    return new ServingError("data-loss", `${this.#file}: ${this.#called} ${what}`);
  }

  /** The error that what this element says is not covered. */
  refused(what: string): ServingError {
    return new ServingError("unimplemented", `${this.#file}: ${this.#called} has ${what}, which is not covered`);
  }

  /** The error that there is no evaluating this kind of element. */
  uncovered(): ServingError {
    return new ServingError("unimplemented", `${this.#file}: ${this.#called} is not covered`);
  }

  get #called(): string {
    return `<${shortened(this.name)}> in line ${this.#line}`;
  }
}

/** A text that fits into an error. */
export function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
