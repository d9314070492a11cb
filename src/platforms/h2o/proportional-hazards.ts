import { sharedFloats, sharedIntegers } from "../shared-arrays.ts";
import { doublesFrom } from "./calibration.ts";
import { withOffset } from "./inverse-link.ts";
import { levelStarts } from "./linear-model.ts";
import type { Mojo } from "./mojo.ts";
import { MOST_COLUMNS } from "./mojo.ts";
import { damaged, notCovered } from "./mojo-files.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Scored } from "./scored.ts";

/** Cox's model: the linear predictor, from which that of the mean row of the stratum is subtracted. */
export async function proportionalHazards(
  mojo: Mojo,
  rows: string,
  offset: string | undefined,
  builder: ProgramBuilder,
): Promise<Scored> {
  const { settings, where, features, domains } = mojo;
  if (settings.has("interaction_targets")) throw notCovered(where, "a Cox model with interactions");
  const cats = settings.count("cats", 0, features);
  const nums = settings.count("num_numerical_columns", 0, features);
  const starts = levelStarts(mojo, "cat_offsets", cats);
  const coefficients = settings.numbers("coef");
  const strata = strataOf(mojo);
  const width = strata[0]?.length ?? 0;
  if (starts[cats]! > coefficients.length || width + cats + nums > features)
    throw damaged(where, "has not the coefficients of its columns");
  const places = settings.counts("num_offsets", 0, MOST_COLUMNS).subarray(0, nums);
  const kept = places.findIndex((place) => place >= coefficients.length);
  const used = places.subarray(0, kept < 0 ? places.length : kept);
  const weights = sharedFloats([...coefficients.subarray(0, starts[cats]), ...Array.from(used, (place) => coefficients[place]!)]);
  const columns = Int32Array.from({ length: cats + used.length }, (_, i) => width + i);
  const allLevels = settings.flag("use_all_factor_levels");
  const sum = builder.add(builder.add(rows, { kind: "select", columns }), {
    kind: "level-sums",
    sums: {
      groups: 1,
      starts,
      firstLevel: allLevels ? 0 : 1,
      weights,
      bias: sharedFloats([0]),
      missing: allLevels ? "refused" : "nan",
    },
  });
  const means = await meansOf(mojo, coefficients, Math.max(1, strata.length), builder);
  let from = rows;
  if (width > 0) {
    // A missing stratum is the first one to the library.
    const values = sharedFloats(new Float64Array(features));
    from = builder.add(rows, { kind: "impute", missing: Number.NaN, values });
  }
  const sizes = Array.from({ length: width }, (_, column) => domains.get(column)?.length ?? 0);
  const table = strataTable(strata, sizes, means);
  const base = width > 0 ? builder.add(from, { kind: "level-table", tables: [table] }) : undefined;
  const shifted =
    base === undefined
      ? builder.add(sum, { kind: "columns", does: "subtract", by: sharedFloats([means[0]!]) })
      : builder.add([sum, base], { kind: "add-offset", missing: Number.NaN });
  return { kind: "number", value: withOffset(shifted, offset, builder) };
}

function strataOf({ settings, features, where }: Mojo): readonly Float64Array[] {
  const count = settings.count("strata_count", 0, MOST_COLUMNS);
  const strata: Float64Array[] = [];
  for (let i = 0; i < count; i++) {
    if (!settings.has(`strata_${i}`)) throw damaged(where, `has no strata_${i} of ${count}`);
    strata.push(settings.numbers(`strata_${i}`, strata[0]?.length).map(Math.trunc));
  }
  if ((strata[0]?.length ?? 0) > features || strata.some((levels) => levels.some((level) => !(level >= 0)))) {
    throw damaged(where, "has strata that are none");
  }
  return strata;
}

/** Numbers by stratum, with their signs changed. */
function strataTable(strata: readonly Float64Array[], sizes: readonly number[], means: Float64Array) {
  const codeOf = (levels: Float64Array): number => {
    let [code, factor] = [0, 1];
    for (const [i, level] of levels.entries()) {
      code += factor * level;
      factor *= sizes[i]! + 1;
    }
    return code;
  };
  const codes = strata.map((levels, i) => ({ code: codeOf(levels), mean: means[i]! })).sort((a, b) => a.code - b.code);
  return {
    columns: sharedIntegers(sizes.map((_, column) => column)),
    sizes: sharedFloats(sizes),
    codes: sharedFloats(codes.map(({ code }) => code)),
    values: sharedFloats(codes.map(({ mean }) => -mean)),
    missing: sharedFloats([Number.NaN]),
  };
}

/** The linear predictor of the mean row of each stratum. */
async function meansOf(
  { files, settings, where }: Mojo,
  coefficients: Float64Array,
  count: number,
  builder: ProgramBuilder,
): Promise<Float64Array> {
  const parts: { width: number; numbers: Float64Array }[] = [];
  for (const name of ["x_mean_cat", "x_mean_num"]) {
    const rows = settings.count(`${name}_size1`, 0, MOST_COLUMNS);
    const width = settings.count(`${name}_size2`, 0, MOST_COLUMNS);
    const bytes = await files.read(name, builder.signal);
    if (rows < count || bytes.length < rows * width * 8)
      throw damaged(`${where}: ${name}`, `has ${bytes.length} bytes of ${rows} by ${width} numbers`);
    parts.push({ width, numbers: doublesFrom(bytes, rows * width) });
  }
  const [cat, num] = parts as [(typeof parts)[0], (typeof parts)[0]];
  if (cat.width + num.width > coefficients.length) throw damaged(where, `has means of ${cat.width + num.width} coefficients`);
  const means = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    for (let term = 0; term < cat.width; term++) means[i]! += cat.numbers[i * cat.width + term]! * coefficients[term]!;
    for (let term = 0; term < num.width; term++)
      means[i]! += num.numbers[i * num.width + term]! * coefficients[cat.width + term]!;
  }
  return means;
}
