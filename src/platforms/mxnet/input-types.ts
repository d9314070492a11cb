import type { Size } from "../../graph/graph-value.ts";
import type { DType } from "../../tensor/dtype.ts";
import { OperatorAttributes } from "./operator-attributes.ts";
import type { Parameter } from "./read-params.ts";
import type { SymbolGraph, SymbolNode } from "./read-symbol.ts";

/** What a graph's operators ask of a value. */
export interface Wanted {
  readonly shape?: readonly Size[] | undefined;
  readonly dtype?: DType | undefined;
}

/** What an operator's node and its parameters tell. */
interface NodeFacts {
  readonly attributes: OperatorAttributes;
  /** The parameter that an input is. */
  readonly parameter: (input: number) => Parameter | undefined;
  readonly inputs: number;
  /** What is asked of its first output. */
  readonly wanted: Wanted;
}

/** What a node asks of its inputs, by position. */
type Rule = (facts: NodeFacts) => readonly (Wanted | undefined)[];

/**
 * What is asked of each node's first output by those that use it, with the dimension of the batch called `batch`: the file has no types, but
 * parameters and settings tell many. Goes once through the nodes, from the last to the first.
 */
export function wantedTypes(symbol: SymbolGraph, parameters: ReadonlyMap<string, Parameter>): readonly Wanted[] {
  const { nodes } = symbol;
  const found: Wanted[] = nodes.map(() => ({}));
  for (let id = nodes.length - 1; id >= 0; id--) {
    const node = nodes[id]!;
    if (node.operator === undefined) continue;
    const needs = needsOf(node, nodes, parameters, found[id]!);
    for (const [i, { node: from, output }] of node.inputs.entries()) {
      const need = needs[i];
      if (need !== undefined && output === 0) found[from] = merged(found[from]!, need);
    }
  }
  return found;
}

function needsOf(
  node: SymbolNode,
  nodes: readonly SymbolNode[],
  parameters: ReadonlyMap<string, Parameter>,
  wanted: Wanted,
): readonly (Wanted | undefined)[] {
  const rule = RULES.get(node.operator!);
  const parameter = (input: number): Parameter | undefined => {
    const from = node.inputs[input];
    const variable = from === undefined ? undefined : nodes[from.node];
    return variable?.operator === undefined && variable !== undefined ? parameters.get(variable.name) : undefined;
  };
  // Wrong settings are the translation's to find.
  const attributes = new OperatorAttributes(node.attributes, () => new WrongSetting());
  const facts = { attributes, parameter, inputs: node.inputs.length, wanted };
  try {
    return rule === undefined ? [{ dtype: wanted.dtype }] : rule(facts);
  } catch (reason) {
    if (reason instanceof WrongSetting) return [];
    throw reason;
  }
}

class WrongSetting extends Error {}

/** What is known first stays, but for sizes that only the second knows. */
function merged(a: Wanted, b: Wanted): Wanted {
  const dtype = a.dtype ?? b.dtype;
  if (a.shape === undefined || b.shape === undefined || a.shape.length !== b.shape.length) {
    return { shape: a.shape ?? b.shape, dtype };
  }
  return { shape: a.shape.map((size, i) => (typeof size === "number" ? size : (b.shape![i] ?? size))), dtype };
}

const BATCH = "batch";

function images(channels: Size, spatial: number, last = false): readonly Size[] {
  const places = Array<Size>(spatial).fill(undefined);
  return last ? [BATCH, ...places, channels] : [BATCH, channels, ...places];
}

const same: Rule = ({ wanted }) => [wanted];
const sameOfBoth: Rule = ({ wanted, inputs, parameter }) =>
  Array.from({ length: inputs }, (_, i) => {
    const other = inputs === 2 ? parameter(1 - i) : undefined;
    return { shape: wanted.shape ?? other?.shape, dtype: wanted.dtype ?? other?.dtype };
  });

/** A parameter is spread over the other one; of two others each might be. */
const broadcasting: Rule = ({ wanted, parameter }) =>
  [0, 1].map((i) => {
    const other = parameter(1 - i);
    return other === undefined ? { dtype: wanted.dtype } : { shape: wanted.shape, dtype: wanted.dtype ?? other.dtype };
  });

const ofRank =
  (rank: number): Rule =>
  ({ wanted }) => [{ shape: images(undefined, rank - 2), dtype: wanted.dtype }];

const convolution =
  (transposed: boolean): Rule =>
  ({ attributes, parameter, wanted }) => {
    const weight = parameter(1);
    const kernel = attributes.integers("kernel")?.length ?? 0;
    const last = attributes.text("layout")?.endsWith("C") ?? false;
    const channels = transposed ? weight?.shape[0] : weight?.shape[last ? weight.shape.length - 1 : 1];
    const groups = transposed ? 1 : attributes.integer("num_group", 1);
    return [
      {
        shape: kernel === 0 ? undefined : images(channels === undefined ? undefined : channels * groups, kernel, last),
        dtype: weight?.dtype ?? wanted.dtype,
      },
    ];
  };

const fullyConnected: Rule = ({ attributes, parameter, wanted }) => {
  const weight = parameter(1);
  const columns = weight?.shape[1];
  const dtype = weight?.dtype ?? wanted.dtype;
  if (attributes.boolean("flatten", true)) return [{ shape: [BATCH, columns], dtype }];
  return [{ shape: wanted.shape && [...wanted.shape.slice(0, -1), columns], dtype }];
};

const pooling: Rule = ({ attributes, wanted }) => {
  const kernel = attributes.integers("kernel")?.length;
  const last = attributes.text("layout")?.endsWith("C") ?? false;
  return [{ shape: kernel === undefined ? undefined : images(undefined, kernel, last), dtype: wanted.dtype }];
};

/** Time first; the parameters tell the width of what goes in. */
const recurrent: Rule = ({ attributes, parameter, wanted }) => {
  const dtype = parameter(1)?.dtype ?? wanted.dtype;
  const layers = attributes.integer("num_layers", 1) * (attributes.boolean("bidirectional", false) ? 2 : 1);
  const state = { shape: [layers, BATCH, attributes.integer("state_size", 0)], dtype };
  return [{ shape: ["time", BATCH, undefined], dtype }, { dtype }, state, state];
};

const embedding: Rule = ({ wanted }) => [{ shape: wanted.shape?.slice(0, -1) }];

const expandDims: Rule = ({ attributes, wanted }) => {
  const { shape } = wanted;
  if (shape === undefined) return [wanted];
  const axis = attributes.integer("axis");
  const at = axis < 0 ? axis + shape.length : axis;
  return [{ shape: shape.filter((_, i) => i !== at), dtype: wanted.dtype }];
};

const transpose: Rule = ({ attributes, wanted }) => {
  const axes = attributes.integers("axes") ?? wanted.shape?.map((_, i) => wanted.shape!.length - 1 - i);
  return [{ shape: axes && placed(axes, wanted.shape), dtype: wanted.dtype }];
};

/** The shape of which a transposition gave another. */
function placed(axes: readonly number[], shape: readonly Size[] | undefined): readonly Size[] | undefined {
  const before: Size[] = axes.map((_, i) => (shape === undefined && i === 0 ? BATCH : undefined));
  for (const [i, axis] of axes.entries()) if (shape !== undefined) before[axis < 0 ? axis + axes.length : axis] = shape[i];
  return before.length === axes.length ? before : undefined;
}

const swapAxes: Rule = ({ attributes, wanted }) => {
  const { shape } = wanted;
  if (shape === undefined) return [wanted];
  const [a, b] = ["dim1", "dim2"].map((name) => {
    const axis = attributes.integer(name, 0);
    return axis < 0 ? axis + shape.length : axis;
  }) as [number, number];
  if (a >= shape.length || b >= shape.length) return [];
  return [{ shape: shape.with(a, shape[b]).with(b, shape[a]), dtype: wanted.dtype }];
};

const pad: Rule = ({ attributes, wanted }) => {
  const widths = attributes.integers("pad_width");
  const rank = widths === undefined ? undefined : widths.length / 2;
  if (rank === undefined || !Number.isInteger(rank)) return [];
  const unchanged = (i: number) => widths![2 * i] === 0 && widths![2 * i + 1] === 0;
  return [
    {
      shape: Array.from({ length: rank }, (_, i) => (unchanged(i) ? wanted.shape?.[i] : undefined)),
      dtype: wanted.dtype,
    },
  ];
};

/** Of what has been cut or put together only the number of dimensions, and what is not along the axis. */
const along =
  (name: string, fallback: number): Rule =>
  ({ attributes, wanted, inputs }) => {
    const { shape } = wanted;
    const axis = attributes.integer(name, fallback);
    const at = shape === undefined ? 0 : axis < 0 ? axis + shape.length : axis;
    const need = { shape: shape?.map((size, i) => (i === at ? undefined : size)), dtype: wanted.dtype };
    return attributes.boolean("squeeze_axis", false) ? [{ dtype: wanted.dtype }] : Array<Wanted>(inputs).fill(need);
  };

const slice: Rule = ({ wanted }) => [{ shape: wanted.shape?.map(() => undefined), dtype: wanted.dtype }];

const regions: Rule = ({ wanted }) => [
  { shape: images(undefined, 2), dtype: wanted.dtype },
  { shape: ["rois", 5], dtype: wanted.dtype },
];

const batchNorm: Rule = ({ wanted }) => [wanted];

const named = (names: string, rule: Rule): [string, Rule][] => names.split(" ").map((name) => [name, rule]);

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...named(
    "Activation LeakyReLU Dropout LayerNorm GroupNorm InstanceNorm L2Normalization softmax log_softmax softmin SoftmaxActivation " +
      "SoftmaxOutput Softmax BlockGrad stop_gradient identity _copy make_loss MakeLoss LinearRegressionOutput MAERegressionOutput " +
      "LogisticRegressionOutput clip relu sigmoid tanh exp log sqrt square abs negative erf SequenceMask SequenceReverse hard_sigmoid " +
      "_plus_scalar _PlusScalar _minus_scalar _MinusScalar _rminus_scalar _RMinusScalar _mul_scalar _MulScalar _div_scalar _DivScalar " +
      "_rdiv_scalar _RDivScalar _power_scalar _PowerScalar _maximum_scalar _minimum_scalar _npi_add_scalar _npi_subtract_scalar " +
      "_npi_multiply_scalar _npi_true_divide_scalar broadcast_like reverse flip zeros_like ones_like _npx_relu",
    same,
  ),
  ...named("BatchNorm BatchNorm_v1 CuDNNBatchNorm _contrib_SyncBatchNorm _contrib_BatchNormWithReLU", batchNorm),
  ...named(
    "elemwise_add _plus _Plus _add elemwise_sub _minus _Minus _sub elemwise_mul _mul _Mul elemwise_div _div _Div add_n ElementWiseSum",
    sameOfBoth,
  ),
  ...named(
    "broadcast_add broadcast_plus broadcast_sub broadcast_minus broadcast_mul broadcast_div broadcast_power broadcast_maximum " +
      "broadcast_minimum _npi_add _npi_subtract _npi_multiply _npi_true_divide",
    broadcasting,
  ),
  ...named("Cast cast amp_cast", ({ wanted }) => [{ shape: wanted.shape }]),
  ...named("Convolution Convolution_v1", convolution(false)),
  ["Deconvolution", convolution(true)],
  ["FullyConnected", fullyConnected],
  ...named("Pooling Pooling_v1", pooling),
  ...named(
    "LRN UpSampling Crop depth_to_space space_to_depth _contrib_AdaptiveAvgPooling2D _contrib_BilinearResize2D _contrib_MultiBoxPrior",
    ofRank(4),
  ),
  ...named("ROIPooling _contrib_ROIAlign", regions),
  ...named("BilinearSampler SpatialTransformer", ofRank(4)),
  ["RNN", recurrent],
  ...named("Embedding one_hot _contrib_SparseEmbedding", embedding),
  ["expand_dims", expandDims],
  ...named("transpose _np_transpose", transpose),
  ...named("SwapAxis swapaxes", swapAxes),
  ...named("Pad pad", pad),
  ...named("Concat concat _npi_concatenate", along("dim", 1)),
  ...named("SliceChannel split", along("axis", 1)),
  ["slice_axis", along("axis", 0)],
  ...named("slice crop slice_like", slice),
  ...named("take pick gather_nd batch_take where", () => []),
]);
