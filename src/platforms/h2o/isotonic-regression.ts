import { isotonicLine } from "./calibration.ts";
import type { Mojo } from "./mojo.ts";
import { damaged } from "./mojo-files.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Scored } from "./scored.ts";

/** A line through points that rise. */
export async function isotonicRegression(mojo: Mojo, rows: string, builder: ProgramBuilder): Promise<Scored> {
  if (mojo.features < 1) throw damaged(mojo.where, "has no column");
  const first = builder.add(rows, { kind: "select", columns: Int32Array.of(0) });
  return { kind: "number", value: await isotonicLine(mojo, first, builder) };
}
