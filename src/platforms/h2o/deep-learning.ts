import type { LevelSpread, NeuronLayer } from "../../model/tabular/h2o-operations.ts";
import { sharedFloats, sharedIntegers } from "../shared-arrays.ts";
import { exponential } from "./inverse-link.ts";
import { levelStarts } from "./linear-model.ts";
import type { Mojo } from "./mojo.ts";
import { damaged, notCovered } from "./mojo-files.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import { type Scored, scoredClasses, unbalanced } from "./scored.ts";

const ACTIVATIONS: ReadonlyMap<string, NeuronLayer["activation"]> = new Map([
  ["Rectifier", "rectifier"],
  ["ExpRectifier", "exp-rectifier"],
  ["Tanh", "tanh"],
  ["Maxout", "linear"],
]);
const WITH_DROPOUT = "WithDropout";
/** Sums of a neuron of Maxout. */
const CHANNELS = 2;
const MOST_NEURONS = 10_000_000;
/** What H2O lets an exponential be. */
const MOST = 1e19;
const CLASSES = ["Binomial", "Multinomial", "Ordinal"];
const LOGARITHMIC = ["poisson", "gamma", "tweedie", "multinomial"];
const IDENTICAL = ["AUTO", "gaussian", "laplace", "huber", "quantile"];

/** A network of neurons: of classes, of a number, or one that gives its rows again. */
export async function deepLearning(mojo: Mojo, rows: string, builder: ProgramBuilder): Promise<Scored> {
  const { settings, category, where, features } = mojo;
  const cats = settings.count("cats", 0, features);
  const nums = settings.count("nums", 0, features);
  if (cats + nums !== features)
    throw damaged(where, `has ${cats} columns of levels and ${nums} of numbers, but ${features} columns`);
  const starts = levelStarts(mojo, "cat_offsets", cats);
  if (starts.some((start, i) => i > 0 && start === starts[i - 1])) throw damaged(where, "has a column without levels");
  const sizes = settings.counts("neural_network_sizes", 1, MOST_NEURONS);
  if (sizes.length < 2 || sizes[0] !== starts[cats]! + nums)
    throw damaged(where, `has a network of ${sizes.join(", ")} neurons for its columns`);
  const factors = settings.numbers("norm_mul");
  const scale =
    factors.length === 0
      ? undefined
      : {
          multiply: sharedFloats(settings.numbers("norm_mul", nums)),
          subtract: sharedFloats(settings.numbers("norm_sub", nums)),
        };
  const spread: LevelSpread = {
    starts,
    withFirst: settings.flag("use_all_factor_levels"),
    none: 0,
    ...(scale && { scale }),
    missing: 0,
    zeroIsMissing: false,
    precision: "float64",
  };
  const isAutoencoder = category === "AutoEncoder";
  const isClassifier = CLASSES.includes(category);
  const last = isAutoencoder ? undefined : isClassifier ? "softmax" : "linear";
  let value = builder.add(rows, { kind: "spread-levels", spread });
  for (let layer = 0; layer < sizes.length - 1; layer++) {
    const final = layer === sizes.length - 2 ? last : undefined;
    value = builder.add(value, { kind: "neuron-layer", layer: await layerOf(mojo, layer, sizes, final, builder) });
  }
  const outputs = sizes.at(-1)!;
  if (isAutoencoder) return reconstruction(mojo, rows, value, outputs, spread, builder);
  const distribution = settings.text("distribution");
  if (isClassifier) {
    if (outputs !== mojo.classes) throw damaged(where, `has ${outputs} outputs of ${mojo.classes} classes`);
    if (distribution === "modified_huber") throw notCovered(where, "the distribution modified_huber of a network");
    return scoredClasses(mojo, unbalanced(mojo, value, builder), rows, builder);
  }
  if (outputs !== 1) throw damaged(where, `has ${outputs} outputs where one number is expected`);
  const number = unscaled(value, settings.numbers("norm_resp_mul"), settings.numbers("norm_resp_sub"), builder);
  if (LOGARITHMIC.includes(distribution)) {
    return { kind: "number", value: exponential(number, [Number.NEGATIVE_INFINITY, MOST], builder) };
  }
  if (!IDENTICAL.includes(distribution)) throw notCovered(where, `the distribution ${distribution.slice(0, 40)} of a network`);
  return { kind: "number", value: number };
}

function unscaled(value: string, multiply: Float64Array, add: Float64Array, builder: ProgramBuilder): string {
  if (multiply.length === 0) return value;
  const divided = builder.add(value, { kind: "columns", does: "divide", by: sharedFloats(multiply) });
  return builder.add(divided, { kind: "columns", does: "add", by: sharedFloats(add) });
}

async function layerOf(
  { settings, where }: Mojo,
  layer: number,
  sizes: Int32Array,
  last: "softmax" | "linear" | undefined,
  builder: ProgramBuilder,
): Promise<NeuronLayer> {
  const name = settings.text("activation");
  const isDropped = name.endsWith(WITH_DROPOUT);
  const own = ACTIVATIONS.get(isDropped ? name.slice(0, -WITH_DROPOUT.length) : name);
  if (own === undefined) throw notCovered(where, `the activation ${name.slice(0, 40)}`);
  const channels = last === undefined && name.startsWith("Maxout") ? CHANNELS : 1;
  const [inputs, outputs] = [sizes[layer]!, sizes[layer + 1]!];
  const given = await settings.manyNumbers(`weight_layer${layer}`, inputs * outputs * channels, (count) =>
    builder.turn(count * 10),
  );
  const weights = new Float32Array(new SharedArrayBuffer(given.length * 4));
  weights.set(given);
  const ratio = last === undefined && isDropped ? settings.numbers("hidden_dropout_ratios", sizes.length - 1)[layer]! : 0;
  return {
    outputs,
    channels,
    weights,
    bias: sharedFloats(settings.numbers(`bias_layer${layer}`, outputs * channels)),
    activation: last ?? own,
    keep: ratio > 0 ? 1 - ratio : 1,
  };
}

function reconstruction(
  { domains, settings, features, where }: Mojo,
  rows: string,
  value: string,
  width: number,
  { scale }: LevelSpread,
  builder: ProgramBuilder,
): Scored {
  const cats = settings.count("cats", 0, features);
  const starts = [0];
  for (let column = 0; column < cats; column++) starts.push(starts.at(-1)! + (domains.get(column)?.length ?? 0) + 1);
  const levels = starts.at(-1)!;
  if (levels + features - cats !== width) throw notCovered(where, "an autoencoder that has not all levels");
  const original = builder.add(rows, {
    kind: "spread-levels",
    spread: {
      starts: sharedIntegers(starts),
      withFirst: true,
      none: 0,
      missing: Number.NaN,
      zeroIsMissing: false,
      precision: "float64",
    },
  });
  const ofColumns = (ofNumbers: Float64Array | undefined, otherwise: number): Float64Array =>
    sharedFloats(Array.from({ length: width }, (_, i) => (i < levels ? otherwise : (ofNumbers?.[i - levels] ?? otherwise))));
  const reconstructed =
    scale === undefined ? value : unscaled(value, ofColumns(scale.multiply, 1), ofColumns(scale.subtract, 0), builder);
  const mse = builder.add([original, reconstructed], { kind: "squared-error", factors: ofColumns(scale?.multiply, 1) });
  return { kind: "reconstruction", original, reconstructed, mse, width };
}
