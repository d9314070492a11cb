import { sharedFloats } from "../shared-arrays.ts";
import { largestClass, putClasses } from "./predictions.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Stage } from "./stage.ts";

/** MultilayerPerceptronClassificationModel: sigmoids, and a softmax at the end. Before 3.0 the layers are among the data. */
export async function multilayerPerceptron(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const table = await stage.table();
  const layers = table.has("layers") ? table.numberLists("layers").values : stage.numbers("layers");
  if (layers === undefined || layers.length < 2 || !layers.every((size) => Number.isInteger(size) && size > 0)) {
    throw stage.damaged("layers", "are no numbers of nodes");
  }
  const all = table.vector("weights");
  let value = builder.vector(stage, stage.text("featuresCol", "features"), layers[0]).value;
  let start = 0;
  for (const [i, size] of layers.slice(1).entries()) {
    if (i > 0) value = builder.link(value, { kind: "sigmoid", steepness: 1 });
    // The weights of an input side by side, and behind all of them the bias.
    const end = start + layers[i] * size;
    if (end + size > all.length) throw stage.damaged("weights", "are less than the layers have");
    value = builder.add(value, {
      kind: "spark-linear",
      weights: sharedFloats(all.subarray(start, end)),
      bias: sharedFloats(all.subarray(end, end + size)),
    });
    start = end + size;
  }
  if (start !== all.length) throw stage.damaged("weights", "are more than the layers have");
  const classes = layers[layers.length - 1];
  const shares = builder.link(value, { kind: "softmax" });
  putClasses(stage, builder, { raw: value, shares, prediction: largestClass(stage, builder, value, shares, classes), classes });
}
