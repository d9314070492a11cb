import { sharedFloats, sharedIntegers } from "../shared-arrays.ts";
import { inverseLink, withOffset } from "./inverse-link.ts";
import { classLabels, type Mojo } from "./mojo.ts";
import { damaged } from "./mojo-files.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import { type Scored, scoredClasses } from "./scored.ts";

const OF_TWO_CLASSES = ["binomial", "fractionalbinomial", "quasibinomial"];

/** A generalised linear model of any family. @param offset a value of one column to add to sums */
export function linearModel(mojo: Mojo, rows: string, offset: string | undefined, builder: ProgramBuilder): Scored {
  const { settings, where } = mojo;
  const family = settings.text("family");
  if (family === "multinomial" || family === "ordinal") return ofClasses(mojo, family, rows, offset, builder);
  const sum = withOffset(sums(mojo, rows, 1, builder), offset, builder);
  const power = settings.number("tweedie_link_power", 0);
  const value = inverseLink(settings.text("link"), "linear", sum, builder, where, power);
  if (!OF_TWO_CLASSES.includes(family)) return { kind: "number", value };
  const probabilities = builder.add(value, { kind: "link", link: { kind: "complement" } });
  return scoredClasses(mojo, probabilities, rows, builder);
}

function ofClasses(
  mojo: Mojo,
  family: "multinomial" | "ordinal",
  rows: string,
  offset: string | undefined,
  builder: ProgramBuilder,
): Scored {
  const labels = classLabels(mojo);
  const isOrdinal = family === "ordinal";
  const etas = sums(mojo, rows, labels.length, builder, isOrdinal ? labels.length - 1 : labels.length);
  const probabilities = builder.add(isOrdinal ? withOffset(etas, offset, builder) : etas, {
    kind: "h2o-link",
    link: { kind: isOrdinal ? "ordinal" : "softmax-above-zero" },
  });
  const number = builder.add(
    probabilities,
    isOrdinal ? { kind: "link", link: { kind: "argmax" } } : { kind: "h2o-link", link: { kind: "most-above-zero" } },
  );
  return { kind: "classes", probabilities, number, labels };
}

/** Sums of the first `kept` of `groups` equations, of which each has the same number of coefficients. */
function sums(mojo: Mojo, rows: string, groups: number, builder: ProgramBuilder, kept = groups): string {
  const { settings, where, features } = mojo;
  const cats = settings.count("cats", 0, features);
  const nums = settings.count("nums", 0, features);
  if (cats + nums !== features)
    throw damaged(where, `has ${cats} columns of levels and ${nums} of numbers, but ${features} columns`);
  const starts = levelStarts(mojo, "cat_offsets", cats);
  const terms = starts[cats]! + nums;
  const beta = settings.numbers("beta", (terms + 1) * groups);
  const weights = sharedFloats(new Float64Array(terms * kept));
  const bias = sharedFloats(new Float64Array(kept));
  for (let group = 0; group < kept; group++) {
    for (let term = 0; term < terms; term++) weights[term * kept + group] = beta[group * (terms + 1) + term]!;
    bias[group] = beta[group * (terms + 1) + terms]!;
  }
  const isImputed = settings.flag("mean_imputation", false);
  const values = isImputed
    ? sharedFloats([...settings.numbers("cat_modes", cats), ...settings.numbers("num_means", nums)])
    : undefined;
  const from = values === undefined ? rows : builder.add(rows, { kind: "impute", missing: Number.NaN, values });
  const firstLevel = settings.flag("use_all_factor_levels", false) ? 0 : 1;
  return builder.add(from, {
    kind: "level-sums",
    sums: { groups: kept, starts, firstLevel, weights, bias, missing: "refused" },
  });
}

/** Where the levels of each of `count` columns begin, and those behind. @throws ServingError data-loss unless they rise from 0 */
export function levelStarts({ settings, where }: Mojo, key: string, count: number): Int32Array {
  const starts = settings.has(key) || count > 0 ? settings.counts(key, 0, 2 ** 28, count + 1) : new Int32Array(1);
  if (starts[0] !== 0 || starts.some((start, i) => i > 0 && start < starts[i - 1]!))
    throw damaged(where, `has levels in ${key} that do not rise`);
  return sharedIntegers(starts);
}
