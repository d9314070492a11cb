import { sharedFloats } from "../shared-arrays.ts";
import { doublesFrom } from "./calibration.ts";
import { levelStarts } from "./linear-model.ts";
import type { Mojo } from "./mojo.ts";
import { damaged } from "./mojo-files.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Scored } from "./scored.ts";

const MOST_COMPONENTS = 100_000;

/** A row in the directions in which rows differ most. */
export async function principalComponents(mojo: Mojo, rows: string, builder: ProgramBuilder): Promise<Scored> {
  const { settings, where, features, files } = mojo;
  const width = settings.count("k", 1, MOST_COMPONENTS);
  const cats = settings.count("ncats", 0, features);
  const nums = settings.count("nnums", 0, features);
  if (cats + nums !== features)
    throw damaged(where, `has ${cats} columns of levels and ${nums} of numbers, but ${features} columns`);
  const columns = settings.counts("permutation", 0, features - 1, features);
  const starts = levelStarts(mojo, "catOffsets", cats);
  const terms = settings.count("eigenvector_size", 0, 2 ** 28);
  const bytes = await files.read("eigenvectors_raw", builder.signal);
  if (terms !== starts[cats]! + nums || bytes.length < terms * width * 8) {
    throw damaged(
      where,
      `has ${bytes.length} bytes of ${terms} by ${width} numbers where ${starts[cats]! + nums} by ${width} are expected`,
    );
  }
  const ordered = builder.add(rows, { kind: "select", columns });
  const filled = (key: string, otherwise: number): Float64Array =>
    sharedFloats([...new Float64Array(cats).fill(otherwise), ...(nums === 0 ? [] : settings.numbers(key, nums))]);
  const centred = builder.add(ordered, { kind: "columns", does: "subtract", by: filled("normSub", 0) });
  const scaled = builder.add(centred, { kind: "columns", does: "multiply", by: filled("normMul", 1) });
  const value = builder.add(scaled, {
    kind: "level-sums",
    sums: {
      groups: width,
      starts,
      firstLevel: settings.flag("use_all_factor_levels") ? 0 : 1,
      weights: doublesFrom(bytes, terms * width),
      bias: sharedFloats(new Float64Array(width)),
      missing: "nothing",
    },
  });
  return { kind: "matrix", alias: "dimensions", value, width, dtype: "float64" };
}
