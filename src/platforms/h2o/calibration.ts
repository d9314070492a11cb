import { sharedFloats } from "../shared-arrays.ts";
import { MOST_COLUMNS, type Mojo } from "./mojo.ts";
import { damaged, notCovered } from "./mojo-files.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { ScoredClasses } from "./scored.ts";

/** Adds the probabilities of two classes as a model was calibrated, where it was. @throws ServingError unimplemented for another way */
export async function calibrated(mojo: Mojo, classes: ScoredClasses, builder: ProgramBuilder): Promise<ScoredClasses> {
  const { settings, where } = mojo;
  if (!settings.has("calib_method")) return classes;
  const method = settings.text("calib_method");
  if (classes.labels.length !== 2) throw damaged(where, "is calibrated, but has not two classes");
  const column = (index: number): string => builder.add(classes.probabilities, { kind: "select", columns: Int32Array.of(index) });
  let second: string;
  if (method === "platt") {
    const [weight, bias] = settings.numbers("calib_glm_beta", 2);
    const sum = builder.add(column(0), { kind: "linear", weights: sharedFloats([weight!]), bias: sharedFloats([bias!]) });
    second = builder.add(sum, { kind: "link", link: { kind: "sigmoid", steepness: 1 } });
  } else if (method === "isotonic") second = await isotonicLine(mojo, column(1), builder);
  else throw notCovered(where, `the calibration ${method.slice(0, 40)}`);
  return { ...classes, calibrated: builder.add(second, { kind: "link", link: { kind: "complement" } }) };
}

/** Adds the line of an isotonic regression. @throws ServingError data-loss for points that fall */
export async function isotonicLine({ files, settings, where }: Mojo, from: string, builder: ProgramBuilder): Promise<string> {
  const [x, y] = [
    bigEndianDoubles(await files.read("calib/thresholds_x", builder.signal), `${where}: calib/thresholds_x`),
    bigEndianDoubles(await files.read("calib/thresholds_y", builder.signal), `${where}: calib/thresholds_y`),
  ];
  if (x.length !== y.length || x.length === 0) throw damaged(where, `has ${x.length} and ${y.length} numbers of a line`);
  for (let i = 1; i < x.length; i++) if (!(x[i]! >= x[i - 1]!)) throw damaged(where, "has a line whose points fall");
  const least = settings.number("calib_min_x", Number.NaN);
  return builder.add(from, { kind: "isotonic", x, y, least, most: settings.number("calib_max_x", Number.NaN) });
}

/** Numbers behind their count. */
function bigEndianDoubles(bytes: Buffer, where: string): Float64Array {
  const count = bytes.length >= 4 ? bytes.readInt32BE(0) : -1;
  if (count < 0 || count > MOST_COLUMNS || bytes.length < 4 + count * 8)
    throw damaged(where, `has ${bytes.length} bytes, too few`);
  return doublesFrom(bytes.subarray(4), count);
}

/** The first `count` numbers of bytes that have them, the high byte first. */
export function doublesFrom(bytes: Buffer, count: number): Float64Array {
  const numbers = sharedFloats(new Float64Array(count));
  for (let i = 0; i < count; i++) numbers[i] = bytes.readDoubleBE(i * 8);
  return numbers;
}
