import { sharedFloats } from "../shared-arrays.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Stage } from "./stage.ts";

/** StandardScalerModel. A column without spread becomes 0. */
export async function standardScaler(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const table = await stage.table();
  const std = table.vector("std");
  const mean = table.vector("mean", std.length);
  scaled(stage, builder, std.length, {
    shift: stage.isTrue("withMean", false) ? mean : undefined,
    factors: stage.isTrue("withStd", true) ? std.map(inverse) : undefined,
  });
}

/** RobustScalerModel. */
export async function robustScaler(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const table = await stage.table();
  const range = table.vector("range");
  const median = table.vector("median", range.length);
  scaled(stage, builder, range.length, {
    shift: stage.isTrue("withCentering", false) ? median : undefined,
    factors: stage.isTrue("withScaling", true) ? range.map(inverse) : undefined,
  });
}

/** MaxAbsScalerModel. A column that was 0 throughout stays. */
export async function maxAbsScaler(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const most = (await stage.table()).vector("maxAbs");
  scaled(stage, builder, most.length, { factors: most.map((each) => (each === 0 ? 1 : 1 / each)) });
}

/** MinMaxScalerModel. A column of one number becomes the middle of the range. */
export async function minMaxScaler(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const table = await stage.table();
  const least = table.vector("originalMin");
  const most = table.vector("originalMax", least.length);
  const [bottom, top] = [stage.number("min", 0), stage.number("max", 1)];
  const factors = least.map((each, i) => (most[i] === each ? 0 : (top - bottom) / (most[i] - each)));
  const column = builder.vector(stage, stage.text("inputCol"), least.length);
  const value = builder.add(builder.dense(column), {
    kind: "spark-range",
    least: sharedFloats(least),
    factors: sharedFloats(factors),
    bottom,
    middle: (bottom + top) / 2,
  });
  builder.put(stage, stage.text("outputCol"), { kind: "vector", value, width: least.length, sparse: false });
}

/** ElementwiseProduct. */
export function elementwiseProduct(stage: Stage, builder: ProgramBuilder): void {
  const factors = stage.vector("scalingVec");
  scaled(stage, builder, factors.length, { factors });
}

/** Normalizer. */
export function normalizer(stage: Stage, builder: ProgramBuilder): void {
  const p = stage.number("p", 2);
  if (!(p >= 1)) throw stage.damaged("p", "is less than 1");
  builder.map(stage, stage.text("inputCol"), stage.text("outputCol"), (column) => ({
    value: builder.add(column.value, { kind: "spark-unit", p }),
    sparse: column.sparse,
  }));
}

function scaled(
  stage: Stage,
  builder: ProgramBuilder,
  width: number,
  { shift, factors }: { readonly shift?: Float64Array; readonly factors?: Float64Array },
): void {
  const column = builder.vector(stage, stage.text("inputCol"), width);
  const value = builder.add(column.value, {
    kind: "spark-scale",
    ...(shift === undefined ? {} : { shift: sharedFloats(shift) }),
    ...(factors === undefined ? {} : { factors: sharedFloats(factors) }),
  });
  builder.put(stage, stage.text("outputCol"), { kind: "vector", value, width, sparse: column.sparse && shift === undefined });
}

function inverse(number: number): number {
  return number === 0 ? 0 : 1 / number;
}
