import { float } from "../../../graph/graph-node.ts";
import type { GraphValue } from "../../../graph/graph-value.ts";
import { type OperatorCall, type OperatorEntry, operator, type Translate } from "../operator-call.ts";
import { range } from "./normalization.ts";

const roiPooling: Translate = (call) => {
  const { attributes } = call;
  const [height, width] = attributes.integers("pooled_size") ?? [];
  if (height === undefined || width === undefined) throw call.invalid("it has no pooled_size");
  const rois = call.input(1);
  return call.graph.add(
    "MaxRoiPool",
    [call.data, rois],
    { pooled_shape: [height, width], spatial_scale: float(attributes.number("spatial_scale", 1)) },
    { outputs: [{ dtype: call.data.dtype, shape: [rois.shape?.[0], call.data.shape?.[1], height, width] }] },
  );
};

const roiAlign: Translate = (call) => {
  const { attributes, data } = call;
  const [height, width] = attributes.integers("pooled_size") ?? [];
  if (height === undefined || width === undefined) throw call.invalid("it has no pooled_size");
  if (attributes.boolean("position_sensitive", false)) throw call.refuse("position_sensitive is not covered");
  const rois = call.input(1);
  const column = (from: number, to: number) =>
    call.add("Slice", [rois, call.integers(from), call.integers(to), call.integers(1)]);
  const batch = call.cast(call.add("Squeeze", [column(0, 1), call.integers(1)]), "int64");
  return call.graph.add(
    "RoiAlign",
    [data, column(1, 5), batch],
    {
      output_height: height,
      output_width: width,
      sampling_ratio: Math.max(0, attributes.integer("sample_ratio", -1)),
      spatial_scale: float(attributes.number("spatial_scale", 1)),
      coordinate_transformation_mode: attributes.boolean("aligned", false) ? "half_pixel" : "output_half_pixel",
    },
    { outputs: [{ dtype: data.dtype, shape: [rois.shape?.[0], data.shape?.[1], height, width] }] },
  );
};

const bilinearResize: Translate = (call) => {
  const { attributes, data } = call;
  attributes.choice("mode", "size", ["size"]);
  const aligned = attributes.boolean("align_corners", true);
  const sizes = (["height", "width"] as const).map((name, i) => {
    const scale = attributes.maybeNumber(`scale_${name}`);
    const size = attributes.integer(name, 1);
    return scale === undefined ? size : Math.floor(call.fixedSize(data, i + 2) * scale);
  });
  const shape = call.join(call.sizeOf(data, 0), call.sizeOf(data, 1), ...sizes);
  const value = call.graph.add(
    "Resize",
    [data, undefined, undefined, shape],
    { mode: "linear", coordinate_transformation_mode: aligned ? "align_corners" : "half_pixel" },
    { outputs: [{ dtype: data.dtype, shape: data.shape && [data.shape[0], data.shape[1], ...sizes] }] },
  );
  return value;
};

/** Places of an image between -1 and 1, moved by a matrix of 2 x 3. */
function affineGrid(call: OperatorCall, matrices: GraphValue): GraphValue {
  const [height = 0, width = 0] = call.attributes.integers("target_shape") ?? [];
  if (!(height > 0 && width > 0 && height * width <= 2 ** 20)) throw call.refuse("without a target_shape it is not covered");
  const places = new Float32Array(3 * height * width);
  const along = (i: number, size: number) => (size === 1 ? -1 : -1 + (2 * i) / (size - 1));
  for (let i = 0; i < height * width; i++) {
    places[i] = along(i % width, width);
    places[height * width + i] = along(Math.floor(i / width), height);
    places[2 * height * width + i] = 1;
  }
  const grid = call.cast(call.graph.constant("float32", [3, height * width], places), matrices.dtype);
  const moved = call.add("MatMul", [call.reshape(matrices, [-1, 2, 3]), grid]);
  return call.reshape(moved, [0, 2, height, width]);
}

const gridGenerator: Translate = (call) => {
  call.attributes.choice("transform_type", undefined, ["affine"]);
  return affineGrid(call, call.data);
};

/** What lies outside is 0. */
function sampled(call: OperatorCall, data: GraphValue, grid: GraphValue): GraphValue {
  const shape = data.shape && grid.shape && [data.shape[0], data.shape[1], grid.shape[2], grid.shape[3]];
  return call.graph.add(
    "GridSample",
    [data, call.transpose(grid, [0, 2, 3, 1])],
    { mode: "bilinear", padding_mode: "zeros", align_corners: 1 },
    { outputs: [{ dtype: data.dtype, shape }] },
  );
}

const spatialTransformer: Translate = (call) => {
  call.attributes.choice("transform_type", undefined, ["affine"]);
  call.attributes.choice("sampler_type", undefined, ["bilinear"]);
  return sampled(call, call.data, affineGrid(call, call.input(1)));
};

/** Boxes around every place of a feature map, as parts of the image. */
const multiBoxPrior: Translate = (call) => {
  const { attributes, data } = call;
  const sizes = attributes.numbers("sizes") ?? [1];
  const ratios = attributes.numbers("ratios") ?? [1];
  const clips = attributes.boolean("clip", false);
  const [stepY = -1, stepX = -1] = attributes.numbers("steps") ?? [];
  const [offsetY = 0.5, offsetX = 0.5] = attributes.numbers("offsets") ?? [];
  const single = { dtype: "float32" } as const;
  const size = (axis: number) => call.add("Squeeze", [call.cast(call.sizeOf(data, axis), "float32"), call.integers(0)]);
  const centers = (axis: number, step: number, offset: number) => {
    const places = call.add("Add", [call.cast(range(call, call.sizeOf(data, axis)), "float32"), call.scalar(offset, single)]);
    return step > 0 ? call.add("Mul", [places, call.scalar(step, single)]) : call.add("Div", [places, size(axis)]);
  };
  // Every size with the first ratio, then the first size with the others.
  const shapes = [
    ...sizes.map((each) => [each, Math.sqrt(ratios[0]!)] as const),
    ...ratios.slice(1).map((ratio) => [sizes[0]!, Math.sqrt(ratio)] as const),
  ];
  const aspect = call.add("Div", [size(2), size(3)]);
  const halfWidths = call.add("Mul", [
    call.floats(
      shapes.map(([each, root]) => (each * root) / 2),
      single,
    ),
    aspect,
  ]);
  const halfHeights = call.floats(
    shapes.map(([each, root]) => each / root / 2),
    single,
  );
  const xs = call.reshape(centers(3, stepX, offsetX), [1, -1, 1]);
  const ys = call.reshape(centers(2, stepY, offsetY), [-1, 1, 1]);
  const all = call.join(call.sizeOf(data, 2), call.sizeOf(data, 3), shapes.length);
  const edge = (center: GraphValue, half: GraphValue, sign: "Sub" | "Add") =>
    call.add("Unsqueeze", [call.add("Expand", [call.add(sign, [center, half]), all]), call.integers(3)]);
  const edges = [
    edge(xs, halfWidths, "Sub"),
    edge(ys, halfHeights, "Sub"),
    edge(xs, halfWidths, "Add"),
    edge(ys, halfHeights, "Add"),
  ];
  const boxes = call.reshape(call.add("Concat", edges, { axis: 3 }), [1, -1, 4]);
  return clips ? call.add("Clip", [boxes, call.scalar(0, single), call.scalar(1, single)]) : boxes;
};

/** Of images and regions. */
export const VISION: readonly OperatorEntry[] = [
  operator("ROIPooling", roiPooling),
  operator("_contrib_ROIAlign", roiAlign, "not: position_sensitive"),
  operator("_contrib_BilinearResize2D", bilinearResize, "mode size; a scale needs the input's sizes"),
  operator("BilinearSampler", (call) => sampled(call, call.input(0), call.input(1))),
  operator("GridGenerator", gridGenerator, "affine"),
  operator("SpatialTransformer", spatialTransformer, "affine"),
  operator("_contrib_MultiBoxPrior", multiBoxPrior),
];
