import type { GraphValue } from "../../../graph/graph-value.ts";
import { type AtenCall, type OperatorEntry, operator, type Translate } from "../aten-call.ts";

/** How a kind of layer is in ONNX. */
interface Layer {
  readonly operator: "LSTM" | "GRU" | "RNN";
  /** Where ONNX has the gates that torch has at these places. */
  readonly gates: readonly number[];
  /** Tensors that are carried on. */
  readonly states: number;
  readonly activation?: string;
}

const LSTM: Layer = { operator: "LSTM", gates: [0, 3, 1, 2], states: 2 };
const GRU: Layer = { operator: "GRU", gates: [1, 0, 2], states: 1 };

function recurrent(layer: Layer): Translate {
  return (call) => {
    call.ignore("dropout");
    if (call.truth("train") && call.number("dropout", 0) !== 0) {
      throw call.refuse("it drops at random: export the model after model.eval()");
    }
    const params = call.tensors("params");
    const hasBiases = call.truth("has_biases");
    const layers = call.integer("num_layers");
    const directions = call.truth("bidirectional") ? 2 : 1;
    const each = hasBiases ? 4 : 2;
    if (params.length !== layers * directions * each) throw call.refuse("projections are not covered");
    const isBatchFirst = call.truth("batch_first");
    const initial = initialStates(call, layer.states);
    let value = isBatchFirst ? call.transpose(call.tensor("input"), [1, 0, 2]) : call.tensor("input");
    const last: GraphValue[][] = Array.from({ length: layer.states }, () => []);
    for (let i = 0; i < layers; i++) {
      const weights = params.slice(i * directions * each, (i + 1) * directions * each);
      const states = initial.map((state) => call.slice(state, 0, i * directions, (i + 1) * directions));
      const [output, ...final] = oneLayer(call, layer, value, weights, states, directions, hasBiases);
      value = output!;
      for (const [at, state] of final.entries()) last[at]!.push(state);
    }
    const output = isBatchFirst ? call.transpose(value, [1, 0, 2]) : value;
    return [output, ...last.map((states) => (states.length === 1 ? states[0]! : call.add("Concat", states, { axis: 0 })))];
  };
}

function initialStates(call: AtenCall, count: number): readonly GraphValue[] {
  const found = count === 1 ? [call.tensor("hx")] : call.tensors("hx");
  const states = found.filter((state) => state !== undefined);
  if (states.length !== count) throw call.invalid(`it has ${states.length} states, not ${count}`);
  return states;
}

/** A layer's outputs side by side, and its last states. */
function oneLayer(
  call: AtenCall,
  layer: Layer,
  input: GraphValue,
  weights: readonly (GraphValue | undefined)[],
  states: readonly GraphValue[],
  directions: number,
  hasBiases: boolean,
): readonly GraphValue[] {
  const each = weights.length / directions;
  const part = (kind: number) =>
    stacked(
      call,
      Array.from({ length: directions }, (_, direction) => reordered(call, layer, weights[direction * each + kind])),
    );
  const [w, r] = [part(0), part(1)];
  const biases = hasBiases ? call.add("Concat", [part(2), part(3)], { axis: 1 }) : undefined;
  const hidden = weights[1]?.shape?.[1];
  if (typeof hidden !== "number") throw call.invalid("its weights have no fixed size");
  const activations = layer.activation === undefined ? undefined : Array<string>(directions).fill(layer.activation);
  const outputs = call.graph.addMany(
    layer.operator,
    [input, w, r, biases, undefined, ...states],
    {
      hidden_size: hidden,
      direction: directions === 2 ? "bidirectional" : "forward",
      linear_before_reset: layer.operator === "GRU" ? 1 : undefined,
      activations,
    },
    1 + layer.states,
  );
  // [time, direction, batch, hidden] becomes [time, batch, direction * hidden]; a size of 0 is that of the input.
  const turned = call.transpose(outputs[0]!, [0, 2, 1, 3]);
  const joined = call.add("Reshape", [turned, call.integers(0, 0, directions * hidden)]);
  return [joined, ...outputs.slice(1)];
}

/** The gates in ONNX's order. */
function reordered(call: AtenCall, { gates }: Layer, weight: GraphValue | undefined): GraphValue {
  if (weight === undefined) throw call.invalid("a weight is missing");
  if (gates.length === 1) return weight;
  const parts = call.graph.addMany("Split", [weight], { axis: 0 }, gates.length);
  return call.add(
    "Concat",
    gates.map((gate) => parts[gate]!),
    { axis: 0 },
  );
}

function stacked(call: AtenCall, parts: readonly GraphValue[]): GraphValue {
  const layers = parts.map((part) => call.unsqueeze(part, 0));
  return layers.length === 1 ? layers[0]! : call.add("Concat", layers, { axis: 0 });
}

const INPUTS = "of padded sequences, with one state for all layers";

/** Recurrent layers. */
export const RECURRENT: readonly OperatorEntry[] = [
  operator("lstm.input", recurrent(LSTM), `${INPUTS}; without projections`),
  operator("gru.input", recurrent(GRU), INPUTS),
  operator("rnn_tanh.input", recurrent({ operator: "RNN", gates: [0], states: 1, activation: "Tanh" }), INPUTS),
  operator("rnn_relu.input", recurrent({ operator: "RNN", gates: [0], states: 1, activation: "Relu" }), INPUTS),
];
