import { type Attributes, float } from "../../../graph/graph-node.ts";
import type { GraphValue } from "../../../graph/graph-value.ts";
import type { Call, Translation } from "../call.ts";
import { imageNeed, inNchw } from "./layout.ts";

function resized(call: Call, attributes: Attributes, names: readonly string[]): GraphValue {
  const { args, graph } = call;
  const rank = names.length + 2;
  let scales: GraphValue;
  if (call.inputs.length > 1) {
    scales = call.add("Concat", [graph.constant("float32", [2], Float32Array.of(1, 1)), call.input(1)], { axis: 0 });
  } else {
    const given = names.map((name) => args.float(name, 1));
    if (given.some((scale) => !(scale > 0))) throw call.invalid("a scale is not above 0");
    scales = graph.constant("float32", [rank], Float32Array.of(1, 1, ...given));
  }
  return inNchw(call, (x) => call.add("Resize", [x, undefined, scales], attributes), rank);
}

const NEAREST = { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };

function alignedRegions(call: Call): GraphValue {
  const { args, graph } = call;
  const regions = call.input(1);
  const width = regions.shape?.[1];
  if (width !== 4 && width !== 5)
    throw call.unimplemented("regions of another width than 4 or 5, or an unknown one, are not covered");
  const columns = (from: number, to: number) =>
    call.add("Slice", [regions, graph.integers([from]), graph.integers([to]), graph.integers([1])]);
  const boxes = width === 5 ? columns(1, 5) : regions;
  const images =
    width === 5
      ? call.add("Cast", [call.add("Squeeze", [columns(0, 1), graph.integers([1])])], { to: 7 })
      : call.add("ConstantOfShape", [call.add("Slice", [call.sizesOf(regions), graph.integers([0]), graph.integers([1])])], {
          value: { dtype: "int64", shape: [1], data: BigInt64Array.of(0n) },
        });
  const attributes = {
    mode: "avg",
    output_height: args.integer("pooled_h", 1),
    output_width: args.integer("pooled_w", 1),
    sampling_ratio: Math.max(0, args.integer("sampling_ratio", -1)),
    spatial_scale: float(args.float("spatial_scale", 1)),
    coordinate_transformation_mode: args.flag("aligned") ? "half_pixel" : "output_half_pixel",
  };
  if (call.isNhwc) throw call.unimplemented("order NHWC is not covered");
  return call.add("RoiAlign", [call.first, boxes, images], attributes);
}

const images: Translation["inputs"] = (args) => [imageNeed(args.text("order", "NCHW") === "NHWC", undefined, 2)];

/** Operators of images that are neither convolution nor pooling. */
export const IMAGING_OPERATORS: Readonly<Record<string, Translation>> = {
  ResizeNearest: {
    translate: (call) => resized(call, NEAREST, ["height_scale", "width_scale"]),
    inputs: images,
    note: "both orders; scales as arguments or an input",
  },
  ResizeNearest3D: { translate: (call) => resized(call, NEAREST, ["temporal_scale", "height_scale", "width_scale"]) },
  UpsampleBilinear: {
    translate: (call) =>
      resized(call, { mode: "linear", coordinate_transformation_mode: "align_corners" }, ["height_scale", "width_scale"]),
    inputs: images,
  },
  RoIAlign: {
    translate: alignedRegions,
    inputs: () => [imageNeed(false, undefined, 2), { dtype: "float32", shape: ["regions", 5] }],
    note: "regions of 4 or 5 numbers, NCHW",
  },
};
