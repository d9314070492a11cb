import type { NeuronLayer } from "../../../model/tabular/h2o-operations.ts";
import type { Matrix } from "../matrix.ts";

/** Sums that are added up side by side: the last bits depend on it. */
const LANES = 8;

/** What a layer of neurons makes of rows. In float64, with weights of float32. */
export function neuronLayer(layer: NeuronLayer, { rows, width, data }: Matrix): Matrix {
  const { outputs, channels, keep } = layer;
  const results = new Float64Array(rows * outputs);
  const sums = new Float64Array(outputs * channels);
  for (let row = 0; row < rows; row++) {
    if (channels === 1) addUp(layer, data, row * width, width, sums);
    else addUpChannels(layer, data, row * width, width, sums);
    for (let i = 0; i < outputs; i++)
      results[row * outputs + i] = channels === 1 ? sums[i] : largest(sums, i * channels, channels);
    activate(layer.activation, results, row * outputs, outputs);
    if (keep !== 1) for (let i = row * outputs; i < (row + 1) * outputs; i++) results[i] *= keep;
  }
  return { rows, width: outputs, data: results };
}

function addUp({ weights, bias }: NeuronLayer, data: Matrix["data"], row: number, width: number, sums: Float64Array): void {
  const end = width - (width % LANES);
  for (let output = 0; output < sums.length; output++) {
    const first = output * width;
    let [a, b, c, d, e, f, g, h] = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < end; i += LANES) {
      const [weight, value] = [first + i, row + i];
      a += weights[weight] * data[value];
      b += weights[weight + 1] * data[value + 1];
      c += weights[weight + 2] * data[value + 2];
      d += weights[weight + 3] * data[value + 3];
      e += weights[weight + 4] * data[value + 4];
      f += weights[weight + 5] * data[value + 5];
      g += weights[weight + 6] * data[value + 6];
      h += weights[weight + 7] * data[value + 7];
    }
    let sum = a + b + c + d;
    sum += e + f + g + h;
    for (let i = end; i < width; i++) sum += weights[first + i] * data[row + i];
    sums[output] = sum + bias[output];
  }
}

function addUpChannels(layer: NeuronLayer, data: Matrix["data"], row: number, width: number, sums: Float64Array): void {
  const { outputs, channels, weights, bias } = layer;
  for (let output = 0; output < outputs; output++) {
    for (let channel = 0; channel < channels; channel++) {
      const at = output * channels + channel;
      let sum = 0;
      for (let i = 0; i < width; i++) sum += data[row + i] * weights[channels * (output * width + i) + channel];
      sums[at] = sum + bias[at];
    }
  }
}

function largest(sums: Float64Array, start: number, count: number): number {
  let most = sums[start];
  for (let i = start + 1; i < start + count; i++) most = Math.max(most, sums[i]);
  return most;
}

function activate(activation: NeuronLayer["activation"], data: Float64Array, start: number, count: number): void {
  const end = start + count;
  switch (activation) {
    case "linear":
      return;
    case "rectifier":
      for (let i = start; i < end; i++) data[i] = 0.5 * (data[i] + Math.abs(data[i]));
      return;
    case "exp-rectifier":
      for (let i = start; i < end; i++) data[i] = data[i] >= 0 ? data[i] : Math.exp(data[i]) - 1;
      return;
    case "tanh":
      for (let i = start; i < end; i++) data[i] = 1 - 2 / (1 + Math.exp(2 * data[i]));
      return;
    case "softmax": {
      let most = data[start];
      for (let i = start; i < end; i++) most = Math.max(most, data[i]);
      let sum = 0;
      for (let i = start; i < end; i++) sum += data[i] = Math.exp(data[i] - most);
      for (let i = start; i < end; i++) data[i] /= sum;
    }
  }
}
