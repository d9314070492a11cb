import { float } from "../../../graph/graph-node.ts";
import type { GraphValue } from "../../../graph/graph-value.ts";
import { type AtenCall, type OperatorEntry, operator } from "../aten-call.ts";

/** To other sizes by a rule. */
function resized(dimensions: number, mode: "nearest" | "linear" | "cubic", exact = false): (call: AtenCall) => GraphValue {
  return (call) => {
    call.ignore("align_corners");
    const corners = mode !== "nearest" && call.truth("align_corners");
    const attributes = {
      mode,
      coordinate_transformation_mode: coordinates(mode, corners, exact),
      ...(mode === "nearest" && { nearest_mode: exact ? "round_prefer_ceil" : "floor" }),
      ...(mode === "cubic" && { cubic_coeff_a: float(-0.75) }),
    };
    const input = call.all.has("input") ? "input" : "self";
    const value = call.tensor(input);
    const scales = scalesOf(call, dimensions);
    if (mode === "nearest" && !isExact(call, input, scales, dimensions)) return nearest(call, input, scales, dimensions, exact);
    if (scales !== undefined) {
      return call.add("Resize", [value, undefined, call.floats([1, 1, ...scales], "float32")], attributes);
    }
    const sizes = [
      call.sizeOf(value, 0),
      call.sizeOf(value, 1),
      ...call.symbolicIntegers(call.all.has("output_size") ? "output_size" : "size"),
    ];
    return call.add("Resize", [value, undefined, undefined, call.list(sizes)], attributes);
  };
}

/** Whether all factors are powers of two, for which no way to count places rounds. */
function isExact(call: AtenCall, input: string, scales: readonly number[] | undefined, dimensions: number): boolean {
  const factors =
    scales ??
    call.symbolicIntegers(call.all.has("output_size") ? "output_size" : "size").map((size, i) => {
      const own = call.sizes(input)[i + 2];
      return typeof size === "number" && typeof own === "number" ? size / own : 0;
    });
  return factors.length === dimensions && factors.every((factor) => factor > 0 && Number.isInteger(Math.log2(factor)));
}

/** The nearest element of each dimension by torch's own arithmetic: 32 bits, and a product where ONNX Runtime divides. */
function nearest(
  call: AtenCall,
  input: string,
  scales: readonly number[] | undefined,
  dimensions: number,
  exact: boolean,
): GraphValue {
  const wanted = scales === undefined ? call.symbolicIntegers(call.all.has("output_size") ? "output_size" : "size") : [];
  const float = (value: GraphValue) => call.cast(value, "float32");
  const [zero, one] = [call.graph.scalar("int64", 0), call.graph.scalar("int64", 1)];
  let value = call.tensor(input);
  for (let i = 0; i < dimensions; i++) {
    const own = call.sizeOf(value, i + 2);
    const factor = scales?.[i];
    const given = wanted[i] ?? 0;
    const size =
      factor !== undefined
        ? call.cast(call.add("Floor", [call.add("Mul", [call.cast(own, "float64"), call.scalar(factor, "float64")])]), "int64")
        : typeof given === "number"
          ? call.graph.scalar("int64", given)
          : given;
    const step = factor === undefined ? call.add("Div", [float(own), float(size)]) : call.scalar(1 / factor, "float32");
    const places = float(call.add("Range", [zero, size, one]));
    const from = call.add("Mul", [exact ? call.add("Add", [places, call.scalar(0.5, "float32")]) : places, step]);
    const last = call.add("Sub", [own, one]);
    value = call.add("Gather", [value, call.add("Min", [call.cast(call.add("Floor", [from]), "int64"), last])], { axis: i + 2 });
  }
  return value;
}

function coordinates(mode: string, corners: boolean, exact: boolean): string {
  if (corners) return "align_corners";
  if (mode === "nearest" && !exact) return "asymmetric";
  return "half_pixel";
}

/** Factors, where sizes go by them. */
function scalesOf(call: AtenCall, dimensions: number): readonly number[] | undefined {
  const names =
    dimensions === 1 ? ["scales"] : dimensions === 2 ? ["scales_h", "scales_w"] : ["scales_d", "scales_h", "scales_w"];
  const hasSize = call.has("output_size") || call.has("size");
  if (call.has("scale_factors")) {
    const factors = call.numbers("scale_factors");
    if (!hasSize) return factors;
  }
  const own = names.map((name) => (call.has(name) ? call.number(name) : undefined));
  return own.every((factor) => factor !== undefined) ? own : undefined;
}

/** Resizing. */
export const RESIZING: readonly OperatorEntry[] = [
  ...[1, 2, 3].map((dimensions) => operator(`upsample_nearest${dimensions}d`, resized(dimensions, "nearest"))),
  ...[1, 2, 3].map((dimensions) => operator(`_upsample_nearest_exact${dimensions}d`, resized(dimensions, "nearest", true))),
  operator("upsample_linear1d", resized(1, "linear")),
  operator("upsample_bilinear2d", resized(2, "linear")),
  operator("upsample_trilinear3d", resized(3, "linear")),
  operator("upsample_bicubic2d", resized(2, "cubic")),
];
