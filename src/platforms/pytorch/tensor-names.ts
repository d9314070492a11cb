import type { ServingError } from "../../base/serving-error.ts";
import type { GraphBuilder } from "../../graph/graph-builder.ts";
import type { GraphValue } from "../../graph/graph-value.ts";

/** A tensor that is a part of another, and how it comes from it. */
interface View {
  readonly base: string;
  readonly make: (base: GraphValue) => GraphValue;
  /** Its value, and what the base was when it was made. */
  value: GraphValue;
  from: GraphValue;
}

/**
 * Tensors by name as a program's operations go on. Some of them share memory: a change of a part is one of the whole, and of all other parts.
 * A graph has no memory, so that parts are made anew of the whole that changed.
 */
export class TensorNames {
  readonly #graph: GraphBuilder;
  readonly #values = new Map<string, GraphValue>();
  readonly #views = new Map<string, View>();
  readonly #aliases = new Map<string, string>();
  readonly #uncovered = new Map<string, ServingError>();

  constructor(graph: GraphBuilder) {
    this.#graph = graph;
  }

  /** The value that a name has now. @throws ServingError invalid-argument for a name that there is not yet */
  get(name: string): GraphValue {
    const own = this.#aliases.get(name) ?? name;
    const view = this.#views.get(own);
    if (view === undefined) {
      const value = this.#values.get(own);
      if (value !== undefined) return value;
      throw this.#uncovered.get(own) ?? this.#graph.fault("invalid-argument", `there is no tensor "${name.slice(0, 128)}"`);
    }
    const base = this.get(view.base);
    if (base !== view.from) {
      view.value = view.make(base);
      view.from = base;
    }
    return view.value;
  }

  /** Gives a name a value of its own. */
  set(name: string, value: GraphValue): void {
    this.#aliases.delete(name);
    this.#views.delete(name);
    this.#values.set(name, value);
  }

  /** Makes any use of a name an error. */
  setUncovered(name: string, error: ServingError): void {
    this.#uncovered.set(name, error);
  }

  /** Gives a name a value that is a part of another's. @param make makes it of what the other has become */
  setView(name: string, base: string, value: GraphValue, make: (base: GraphValue) => GraphValue): void {
    const own = this.#aliases.get(base) ?? base;
    this.#aliases.delete(name);
    this.#values.delete(name);
    this.#views.set(name, { base: own, make, value, from: this.get(own) });
  }

  /** Lets a name stand for what another does, now and later. */
  alias(name: string, of: string): void {
    const own = this.#aliases.get(of) ?? of;
    if (own !== name) this.#aliases.set(name, own);
  }

  /** Changes what a name stands for, and the tensor that it is a part of. */
  write(name: string, value: GraphValue): void {
    const own = this.#aliases.get(name) ?? name;
    const view = this.#views.get(own);
    if (view === undefined) {
      this.#values.set(own, value);
      return;
    }
    const base = this.get(view.base);
    const changed = this.#put(base, view, value);
    this.write(view.base, changed);
    view.value = value;
    view.from = this.get(view.base);
  }

  /** A tensor of which a part has become something else: where the part's elements come from is told by places that go the same way. */
  #put(base: GraphValue, view: View, value: GraphValue): GraphValue {
    const graph = this.#graph;
    const all = graph.integers([-1]);
    const shape = graph.add("Shape", [base]);
    const count = graph.add("Size", [base]);
    const places = graph.add("Range", [graph.scalar("int64", 0), count, graph.scalar("int64", 1)]);
    const part = view.make(graph.add("Reshape", [places, shape]));
    const written = graph.add("Expand", [value, graph.add("Shape", [part])]);
    const flat = graph.add("ScatterElements", [
      graph.add("Reshape", [base, all]),
      graph.add("Reshape", [part, all]),
      graph.add("Reshape", [written, all]),
    ]);
    return graph.add("Reshape", [flat, shape]);
  }
}
