import type { ServingError } from "../../base/serving-error.ts";
import type { GraphBuilder } from "../../graph/graph-builder.ts";
import type { GraphValue } from "../../graph/graph-value.ts";

/** A tensor that is a part of another, and how it comes from it. */
interface View {
  readonly base: string;
  readonly make: (base: GraphValue) => GraphValue;
  /** How many tensors it is a part of, one of the other. */
  readonly depth: number;
  /** Its value, and what the base was when it was made. */
  value: GraphValue;
  from: GraphValue;
}

/** Parts of parts that are followed. */
const MOST_DEPTH = 256;

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
  /** Tensors of which there are parts, or others in the same memory. */
  readonly #shared = new Set<string>();
  /** Tensors that may lie in each other's memory. */
  readonly #doubtful = new Map<string, Set<string>>();
  /** What a call must leave as it is, by what errors call it. */
  readonly #fixed = new Map<string, string>();

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

  /** Gives a name a value that outlives a call: a change of it is an error. @param label what errors call it */
  setFixed(name: string, value: GraphValue, label: string): void {
    this.set(name, value);
    this.#fixed.set(name, label);
  }

  /** Makes any use of a name an error. */
  setUncovered(name: string, error: ServingError): void {
    this.#uncovered.set(name, error);
  }

  /** Gives a name a value that is a part of another's. @param make makes it of what the other has become */
  setView(name: string, base: string, value: GraphValue, make: (base: GraphValue) => GraphValue): void {
    const own = this.#aliases.get(base) ?? base;
    const depth = (this.#views.get(own)?.depth ?? 0) + 1;
    if (depth > MOST_DEPTH) throw this.#graph.fault("unimplemented", `it is a part of more than ${MOST_DEPTH} tensors`);
    this.#aliases.delete(name);
    this.#values.delete(name);
    this.#shared.add(own);
    this.#views.set(name, { base: own, make, depth, value, from: this.get(own) });
  }

  /**
   * Gives a name a value that is a part of another's or a copy, which depends on what is known only when the graph runs. Once one of both is
   * changed any use of the other is an error.
   */
  setDoubtful(name: string, base: string, value: GraphValue): void {
    this.set(name, value);
    const root = this.#rootOf(base);
    this.#shared.add(root).add(name);
    for (const [a, b] of [
      [root, name],
      [name, root],
    ] as const) {
      const others = this.#doubtful.get(a) ?? new Set();
      this.#doubtful.set(a, others.add(b));
    }
  }

  /** Lets a name stand for what another does, now and later. */
  alias(name: string, of: string): void {
    const own = this.#aliases.get(of) ?? of;
    if (own !== name) this.#aliases.set(name, own);
  }

  /** As {@link alias}, for another tensor in the same memory. */
  setSame(name: string, of: string): void {
    this.#shared.add(this.#aliases.get(of) ?? of);
    this.alias(name, of);
  }

  /** Gives a name a value in another form. @throws ServingError unimplemented when other tensors lie in the same memory */
  reform(name: string, value: GraphValue): void {
    const own = this.#aliases.get(name) ?? name;
    if (this.#views.has(own) || this.#shared.has(own)) {
      throw this.#graph.fault("unimplemented", "another form of a tensor that shares memory is not covered");
    }
    this.write(own, value);
  }

  /**
   * Changes what a name stands for, and the tensor that it is a part of.
   * @throws ServingError unimplemented for a weight or buffer, and when it cannot be told what else changes
   */
  write(name: string, value: GraphValue): void {
    const own = this.#aliases.get(name) ?? name;
    const view = this.#views.get(own);
    if (view === undefined) {
      const label = this.#fixed.get(own);
      if (label !== undefined) throw this.#graph.fault("unimplemented", `a call changes ${label}, which is not covered`);
      this.#values.set(own, value);
      this.#forgetDoubtful(own);
      return;
    }
    const base = this.get(view.base);
    const changed = this.#put(base, view, value);
    this.write(view.base, changed);
    view.value = value;
    view.from = this.get(view.base);
  }

  #rootOf(name: string): string {
    const own = this.#aliases.get(name) ?? name;
    const view = this.#views.get(own);
    return view === undefined ? own : this.#rootOf(view.base);
  }

  /** Makes it an error to use what may have changed too. */
  #forgetDoubtful(changed: string): void {
    const open = [changed];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      for (const other of this.#doubtful.get(name) ?? []) {
        if (other === changed || !this.#values.delete(other)) continue;
        const why = `it depends on sizes whether "${other.slice(0, 128)}" changes too, which is not covered`;
        this.setUncovered(other, this.#graph.fault("unimplemented", why));
        open.push(other);
      }
    }
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
