import { ServingError } from "../base/serving-error.ts";
import { ARRAY_TYPES, type DType, type NumericArray, type NumericDType } from "../tensor/dtype.ts";
import { elementCount, type Shape } from "../tensor/shape.ts";
import { foldConstant } from "./fold-constant.ts";
import type { Attributes, GraphNode } from "./graph-node.ts";
import { type GraphShape, GraphValue } from "./graph-value.ts";
import { inferOutputs } from "./infer-outputs.ts";
import type { ValueType } from "./node-view.ts";

/** An input or output of a graph under the name that callers use. */
export interface GraphPort {
  readonly name: string;
  readonly value: GraphValue;
}

/** How a node is added, besides what it is. */
export interface NodeOptions {
  /** The operator's domain, where it is not ONNX's own. */
  readonly domain?: string;
  /** Types of the outputs, where they are known better than by inference. */
  readonly outputs?: readonly ValueType[];
}

/**
 * What ONNX Runtime makes one with the padding before it, though a maximum of padded zeros is not that of what is there, and a window may be
 * smaller than the padding. A node between them, which does nothing, keeps them apart.
 */
const POOLING: ReadonlySet<string> = new Set(["MaxPool", "AveragePool"]);

/**
 * Puts an ONNX graph (opset 17) together, node by node, for an importer of another format. It knows of each value its dtype and, as far
 * as can be told before a run, its shape; what is computed from constants alone is folded where it is small. What no output needs is
 * never written, so an importer may make values that turn out to be of no use.
 */
export class GraphBuilder {
  readonly inputs: GraphPort[] = [];
  readonly outputs: GraphPort[] = [];
  /** The graph that this one is a part of; its values may be used here. */
  readonly parent: GraphBuilder | undefined;
  readonly #named = new Set<GraphValue>();
  #origin = "";

  constructor(parent?: GraphBuilder) {
    this.parent = parent;
    if (parent !== undefined) this.#origin = parent.#origin;
  }

  /** Says what the nodes added from now on are made of, for errors: the framework's operator and name. */
  at(origin: string): this {
    this.#origin = origin;
    return this;
  }

  /** What {@link at} was told last. */
  get origin(): string {
    return this.#origin;
  }

  /** An input that callers give. The names of a subgraph's inputs and outputs are of no meaning. */
  input(name: string, dtype: DType, shape: GraphShape): GraphValue {
    const value = new GraphValue(dtype, shape);
    this.inputs.push({ name, value });
    return value;
  }

  /**
   * A constant. The array is kept by reference, never copied: it must not be written to again.
   * @throws ServingError invalid-argument when it does not hold what its shape says.
   */
  constant(dtype: NumericDType, shape: Shape, data: NumericArray): GraphValue {
    const { array, width } = ARRAY_TYPES[dtype];
    if (!(data instanceof array) || data.length !== elementCount(shape) * width) {
      throw new ServingError(
        "invalid-argument",
        `a constant of ${dtype} and shape [${shape.join(", ")}] cannot be made of ${data.length} items`,
      );
    }
    return new GraphValue(dtype, shape, { constant: data });
  }

  /** A constant list of int64, such as a shape or axes. */
  integers(values: readonly number[]): GraphValue {
    return this.constant("int64", [values.length], BigInt64Array.from(values, BigInt));
  }

  /** A constant without dimensions. 16-bit floats cannot be given this way. */
  scalar(dtype: Exclude<NumericDType, "float16" | "bfloat16" | "complex64" | "complex128">, value: number): GraphValue {
    const { array } = ARRAY_TYPES[dtype];
    const data = new array(1);
    data[0] = data instanceof BigInt64Array || data instanceof BigUint64Array ? BigInt(value) : value;
    return this.constant(dtype, [], data);
  }

  /** Adds a node with one output. @throws ServingError as {@link addMany} does. */
  add(
    operator: string,
    inputs: readonly (GraphValue | undefined)[],
    attributes: Attributes = {},
    options?: NodeOptions,
  ): GraphValue {
    return this.addMany(operator, inputs, attributes, 1, options)[0]!;
  }

  /**
   * Adds a node with `count` outputs. One whose inputs are all constant and small gives constants, and no node is made.
   * @throws ServingError invalid-argument that names the origin, when the inputs do not fit the operator.
   */
  addMany(
    operator: string,
    inputs: readonly (GraphValue | undefined)[],
    attributes: Attributes,
    count: number,
    { domain, outputs }: NodeOptions = {},
  ): readonly GraphValue[] {
    if (POOLING.has(operator) && inputs[0]?.node?.operator === "Pad") {
      return this.addMany(operator, [this.add("Clip", [inputs[0]]), ...inputs.slice(1)], attributes, count, {
        ...(outputs !== undefined && { outputs }),
      });
    }
    const types = outputs ?? this.#infer(operator, inputs, attributes, count, domain);
    if (count === 1 && domain === undefined) {
      const folded = foldConstant(operator, inputs, attributes, types[0]!);
      if (folded !== undefined) return [folded];
    }
    return this.#node(operator, inputs, attributes, domain, types.slice(0, count)).outputs;
  }

  /** Makes a value an output under a name. The same value may be given out under several. */
  output(name: string, value: GraphValue): void {
    const own = value.node?.graph === this && !this.#named.has(value);
    const given = own ? value : this.#node("Identity", [value], {}, undefined, [value]).outputs[0]!;
    this.#named.add(given);
    this.outputs.push({ name, value: given });
  }

  /** A graph for an attribute of a node of this one. */
  subgraph(): GraphBuilder {
    return new GraphBuilder(this);
  }

  /** An error about what is being translated now, which names it. */
  fault(code: "invalid-argument" | "unimplemented", message: string): ServingError {
    return new ServingError(code, this.#origin === "" ? message : `${this.#origin}: ${message}`);
  }

  #node(
    operator: string,
    inputs: readonly (GraphValue | undefined)[],
    attributes: Attributes,
    domain: string | undefined,
    types: readonly ValueType[],
  ): GraphNode {
    const outputs: GraphValue[] = [];
    const node = { graph: this, operator, domain, origin: this.#origin, inputs, outputs, attributes };
    for (const { dtype, shape } of types) outputs.push(new GraphValue(dtype, shape, { node }));
    return node;
  }

  #infer(
    operator: string,
    inputs: readonly (GraphValue | undefined)[],
    attributes: Attributes,
    count: number,
    domain: string | undefined,
  ): readonly ValueType[] {
    try {
      return inferOutputs(domain === undefined ? operator : "", inputs, attributes, count);
    } catch (reason) {
      const error = ServingError.from(reason);
      if (this.#origin === "") throw error;
      throw new ServingError(error.code, `${this.#origin}: ${error.message}`, { cause: error });
    }
  }
}
