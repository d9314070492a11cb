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
