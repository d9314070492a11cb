import type { PmmlLayer } from "../../../model/tabular/pmml-models.ts";
import { parsePmmlValue } from "../../../model/tabular/pmml-values.ts";
import { sharedFloats, sharedIntegers } from "../../shared-arrays.ts";
import { type Element, shortened } from "../element.ts";
import type { ModelSource, ReadBody } from "../model-reading.ts";
import { castTo, readLine, readOnlyExpression } from "../read-expression.ts";

const ACTIVATIONS = [
  "threshold",
  "logistic",
  "tanh",
  "identity",
  "exponential",
  "reciprocal",
  "square",
  "Gauss",
  "sine",
  "cosine",
  "Elliott",
  "arctan",
  "rectifier",
  "radialBasis",
] as const;
const NORMALIZATIONS = ["none", "simplemax", "softmax"] as const;

/** A `<NeuralNetwork>`. A connection is from an input or a neuron of a layer before. */
export async function readNetwork({ element, scope, reading, purpose, target }: ModelSource): Promise<ReadBody> {
  const numbers = new Map<string, number>();
  const inputs = element
    .needChild("NeuralInputs")
    .all("NeuralInput")
    .map((input) => {
      numbers.set(input.need("id"), numbers.size);
      return castTo("double", readOnlyExpression(input.needChild("DerivedField"), scope));
    });
  if (numbers.size !== inputs.length) throw element.fault("has two inputs of the same id");
  const layers: PmmlLayer[] = [];
  for (const layer of element.all("NeuralLayer")) {
    await reading.turn();
    layers.push(readLayer(layer, element, numbers));
  }
  const classifies = purpose === "classification";
  const answers = element
    .needChild("NeuralOutputs")
    .all("NeuralOutput")
    .map((output) => {
      const id = output.need("outputNeuron");
      const neuron = numbers.get(id);
      if (neuron === undefined) throw output.fault(`is of the neuron "${shortened(id)}", which there is not`);
      const derived = output.needChild("DerivedField");
      return { neuron, id, label: null, orig: [], norm: [], ...readAnswer(derived) };
    });
  if (answers.length === 0) throw element.fault("has no <NeuralOutput>");
  const labels = classifies ? answers.map(({ label }) => label ?? "") : [];
  return { body: { kind: "network", classifies, inputs, layers, answers }, labels };

  function readAnswer(derived: Element) {
    const discrete = derived.child("NormDiscrete");
    if (classifies) {
      if (discrete === undefined) throw derived.fault("has no <NormDiscrete>, which a classification needs");
      const text = discrete.need("value");
      const label = parsePmmlValue(text, target.type);
      if (label === undefined) throw discrete.fault(`has value="${shortened(text)}", which is no ${target.type}`);
      return { label };
    }
    if (derived.child("FieldRef") !== undefined) return {};
    const line = derived.child("NormContinuous");
    if (line === undefined) throw derived.refused("an expression other than <FieldRef> and <NormContinuous>");
    return readLine(line);
  }
}

function readLayer(layer: Element, network: Element, numbers: Map<string, number>): PmmlLayer {
  const inherited = (name: string) => (layer.get(name) === undefined ? network : layer);
  const activation = inherited("activationFunction").choice("activationFunction", ACTIVATIONS);
  const neurons = layer.all("Neuron");
  const size = layer.get("numberOfNeurons");
  if (size !== undefined && Number(size) !== neurons.length)
    throw layer.fault(`has ${neurons.length} neurons where numberOfNeurons="${shortened(size)}"`);
  const width = inherited("width");
  const altitude = inherited("altitude");
  const starts = [0];
  const from: number[] = [];
  const weights: number[] = [];
  for (const neuron of neurons) {
    for (const connection of neuron.all("Con")) {
      const id = connection.need("from");
      const number = numbers.get(id);
      if (number === undefined) throw connection.fault(`is from "${shortened(id)}", which is nothing before its layer`);
      from.push(number);
      weights.push(connection.number("weight"));
    }
    starts.push(from.length);
  }
  for (const neuron of neurons) {
    const id = neuron.need("id");
    if (numbers.has(id)) throw neuron.fault(`is the second one with the id "${shortened(id)}"`);
    numbers.set(id, numbers.size);
  }
  const radial = activation === "radialBasis";
  const widths = neurons.map((each) =>
    each.get("width") === undefined && !radial ? 1 : (each.get("width") === undefined ? width : each).number("width"),
  );
  return {
    activation,
    threshold: inherited("threshold").number("threshold", 0),
    normalization: inherited("normalizationMethod").choice("normalizationMethod", NORMALIZATIONS, "none"),
    biases: sharedFloats(neurons.map((each) => each.number("bias", 0))),
    widths: sharedFloats(widths),
    altitudes: sharedFloats(neurons.map((each) => each.number("altitude", altitude.number("altitude", 1)))),
    starts: sharedIntegers(starts),
    from: sharedIntegers(from),
    weights: sharedFloats(weights),
  };
}
