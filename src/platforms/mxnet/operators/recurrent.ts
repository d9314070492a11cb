import type { GraphValue } from "../../../graph/graph-value.ts";
import { ARRAY_TYPES, type NumericArray, type NumericDType } from "../../../tensor/dtype.ts";
import { type OperatorCall, type OperatorEntry, operator, type Translate } from "../operator-call.ts";

interface Cell {
  readonly onnx: "LSTM" | "GRU" | "RNN";
  /** MXNet's gates in ONNX's order. */
  readonly order: readonly number[];
  readonly activation?: string;
}

const CELLS: Readonly<Record<"lstm" | "gru" | "rnn_tanh" | "rnn_relu", Cell>> = {
  lstm: { onnx: "LSTM", order: [0, 3, 1, 2] },
  gru: { onnx: "GRU", order: [1, 0, 2] },
  rnn_tanh: { onnx: "RNN", order: [0] },
  rnn_relu: { onnx: "RNN", order: [0], activation: "Relu" },
};

/** The arrays that a flat vector of parameters is made of, one behind the other. */
function piecesOf(call: OperatorCall, value: GraphValue): readonly NumericArray[] {
  const pieces: NumericArray[] = [];
  const waiting = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.constant !== undefined) pieces.push(next.constant);
    else if (next.node?.operator === "Reshape" || next.node?.operator === "Identity") waiting.push(next.node.inputs[0]!);
    else if (next.node?.operator === "Concat") waiting.push(...next.node.inputs.map((each) => each!).reverse());
    else throw call.refuse("parameters that are computed are not covered");
  }
  return pieces;
}

/** Reads a vector of parameters from its begin to its end. */
class Parameters {
  readonly length: number;
  readonly #pieces: readonly NumericArray[];
  #position = 0;

  constructor(pieces: readonly NumericArray[]) {
    this.#pieces = pieces;
    this.length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  }

  /** Copies what follows, `count` numbers, to a place of another array. */
  copy(target: NumericArray, at: number, count: number): void {
    let start = 0;
    for (const piece of this.#pieces) {
      const from = Math.max(this.#position, start);
      const to = Math.min(this.#position + count, start + piece.length);
      if (from < to) target.set(piece.subarray(from - start, to - start) as never, at + from - this.#position);
      start += piece.length;
    }
    this.#position += count;
  }
}

interface LayerWeights {
  readonly input: NumericArray;
  readonly hidden: NumericArray;
  readonly bias: NumericArray;
  readonly width: number;
}

interface Sizes {
  readonly hidden: number;
  readonly layers: number;
  readonly directions: 1 | 2;
  readonly gates: number;
}

/** The width of the first layer's input, which the number of all parameters tells. */
function inputWidth(call: OperatorCall, total: number, { hidden, layers, directions, gates }: Sizes): number {
  const rows = directions * gates * hidden;
  const others = (layers - 1) * rows * (directions * hidden + hidden) + layers * rows * 2;
  const width = (total - others) / rows - hidden;
  if (Number.isInteger(width) && width > 0) return width;
  throw call.invalid(`${total} parameters do not fit ${layers} layers of ${hidden}`);
}

/** All matrices come first, then all biases; in each, layer by layer and direction by direction. */
function weightsOf(call: OperatorCall, parameters: Parameters, sizes: Sizes, cell: Cell, dtype: NumericDType): LayerWeights[] {
  const { hidden, layers, directions, gates } = sizes;
  const { array } = ARRAY_TYPES[dtype];
  const first = inputWidth(call, parameters.length, sizes);
  const place = (gate: number) => cell.order.indexOf(gate);
  const result = Array.from({ length: layers }, (_, layer): LayerWeights => {
    const width = layer === 0 ? first : directions * hidden;
    return {
      input: new array(directions * gates * hidden * width),
      hidden: new array(directions * gates * hidden * hidden),
      bias: new array(directions * 2 * gates * hidden),
      width,
    };
  });
  for (const { input, hidden: own, width } of result) {
    for (let direction = 0; direction < directions; direction++) {
      for (const [target, columns] of [[input, width] as const, [own, hidden] as const]) {
        for (let gate = 0; gate < gates; gate++) {
          const row = (direction * gates + place(gate)) * hidden;
          parameters.copy(target, row * columns, hidden * columns);
        }
      }
    }
  }
  for (const { bias } of result) {
    for (let half = 0; half < directions * 2; half++) {
      for (let gate = 0; gate < gates; gate++) parameters.copy(bias, (half * gates + place(gate)) * hidden, hidden);
    }
  }
  return result;
}

/** A state that is nothing but zeros for any batch; undefined is the same for ONNX. */
function stateOf(value: GraphValue | undefined): GraphValue | undefined {
  const spread = value?.node?.operator === "Expand" ? value.node.inputs[0] : value;
  const zeros = spread?.constant?.every((each: number | bigint) => Number(each) === 0) ?? false;
  return zeros && value?.shape?.[1] === 1 ? undefined : value;
}

const recurrent: Translate = (call) => {
  const { attributes, data } = call;
  const cell = CELLS[attributes.choice("mode", undefined, ["lstm", "gru", "rnn_tanh", "rnn_relu"])];
  const directions = attributes.boolean("bidirectional", false) ? 2 : 1;
  const sizes: Sizes = {
    hidden: attributes.integer("state_size"),
    layers: attributes.integer("num_layers"),
    directions,
    gates: cell.order.length,
  };
  if (!(sizes.hidden > 0 && sizes.layers > 0 && sizes.hidden <= 2 ** 20 && sizes.layers <= 256)) {
    throw call.invalid(`${sizes.layers} layers of ${sizes.hidden} cannot be`);
  }
  const givesStates = attributes.boolean("state_outputs", false);
  for (const name of ["projection_size", "lstm_state_clip_min", "lstm_state_clip_max"]) {
    if (attributes.text(name) !== undefined) throw call.refuse(`${name} is not covered`);
  }
  for (const name of ["use_sequence_length", "lstm_state_clip_nan"]) {
    if (attributes.boolean(name, false)) throw call.refuse(`${name} is not covered`);
  }
  attributes.ignore("p", "pkeep_");
  const dtype = data.dtype as NumericDType;
  const parameters = new Parameters(piecesOf(call, call.input(1)));
  const layers = weightsOf(call, parameters, sizes, cell, dtype);
  const states = [call.inputs[2], cell.onnx === "LSTM" ? call.inputs[3] : undefined].map(stateOf);
  let value = data;
  const last: GraphValue[][] = [];
  for (const [number, weights] of layers.entries()) {
    const outputs = addLayer(
      call,
      value,
      weights,
      sizes,
      cell,
      dtype,
      states.map((state) => partOf(call, state, number * directions, directions)),
    );
    last.push(outputs.slice(1));
    // [time, directions, batch, hidden] as [time, batch, directions * hidden].
    value = call.reshape(call.transpose(outputs[0]!, [0, 2, 1, 3]), [0, 0, directions * sizes.hidden]);
  }
  if (!givesStates) return value;
  const joined = (index: number) =>
    call.add(
      "Concat",
      last.map((each) => each[index]!),
      { axis: 0 },
    );
  return cell.onnx === "LSTM" ? [value, joined(0), joined(1)] : [value, joined(0)];
};

function partOf(call: OperatorCall, state: GraphValue | undefined, from: number, count: number): GraphValue | undefined {
  return state && call.add("Slice", [state, call.integers(from), call.integers(from + count), call.integers(0)]);
}

function addLayer(
  call: OperatorCall,
  data: GraphValue,
  { input, hidden: own, bias, width }: LayerWeights,
  { hidden, directions, gates }: Sizes,
  { onnx, activation }: Cell,
  dtype: NumericDType,
  [state, memory]: readonly (GraphValue | undefined)[],
): GraphValue[] {
  const { graph } = call;
  const rows = gates * hidden;
  return [
    ...graph.addMany(
      onnx,
      [
        data,
        graph.constant(dtype, [directions, rows, width], input),
        graph.constant(dtype, [directions, rows, hidden], own),
        graph.constant(dtype, [directions, 2 * rows], bias),
        undefined,
        state,
        ...(onnx === "LSTM" ? [memory] : []),
      ],
      {
        hidden_size: hidden,
        direction: directions === 2 ? "bidirectional" : "forward",
        linear_before_reset: onnx === "GRU" ? 1 : undefined,
        activations: activation === undefined ? undefined : Array<string>(directions).fill(activation),
      },
      onnx === "LSTM" ? 3 : 2,
    ),
  ];
}

/** Recurrent layers. */
export const RECURRENT: readonly OperatorEntry[] = [
  operator("RNN", recurrent, "lstm, gru, rnn_tanh, rnn_relu; not: projection_size, clipped states, use_sequence_length", [
    "output",
    "state_output",
    "statecell_output",
  ]),
  operator("_rnn_param_concat", (call) => {
    call.attributes.ignore("dim");
    return call.add("Concat", call.inputs, { axis: 0 });
  }),
];
