import type { TreeEnsemble } from "../../model/tabular/tabular-program.ts";
import type { AddStep } from "../pickled-booster.ts";
import { calibrated } from "./calibration.ts";
import { levelStarts } from "./linear-model.ts";
import type { Mojo } from "./mojo.ts";
import { damaged, notCovered } from "./mojo-files.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import { type Scored, scoredClasses } from "./scored.ts";

const FILE = "boosterBytes";

/** A booster of XGBoost over columns of levels. @param offset a value of one column that sums begin with, where the model has one */
export async function xgboost(mojo: Mojo, rows: string, offset: string | undefined, builder: ProgramBuilder): Promise<Scored> {
  const { settings, where, features, files, classes } = mojo;
  const cats = settings.count("cats", 0, features);
  const nums = settings.count("nums", 0, features);
  if (cats + nums !== features)
    throw damaged(where, `has ${cats} columns of levels and ${nums} of numbers, but ${features} columns`);
  const starts = levelStarts(mojo, "cat_offsets", cats);
  if (starts.some((start, i) => i > 0 && start === starts[i - 1])) throw damaged(where, "has a column without levels");
  const isSparse = settings.flag("sparse");
  const spread = builder.add(rows, {
    kind: "spread-levels",
    spread: {
      starts,
      withFirst: settings.flag("use_all_factor_levels"),
      none: isSparse ? Number.NaN : 0,
      missing: Number.NaN,
      zeroIsMissing: isSparse,
      precision: "float32",
    },
  });
  const hasOffset = settings.flag("has_offset", false);
  const file = `${where}: ${FILE}`;
  const add = hasOffset ? fromOffset(offset, builder, file) : builder.add;
  const booster = await builder.readXgboost(await files.read(FILE, builder.signal), file, spread, add, builder.signal);
  if (booster.columns !== starts[cats]! + nums)
    throw damaged(file, `takes ${booster.columns} columns, not ${starts[cats]! + nums}`);
  const groups = classes > 2 ? classes : 1;
  if (booster.groups !== groups) throw damaged(file, `has ${booster.groups} sums where ${groups} are expected`);
  const { predict } = booster;
  if (classes < 2) return { kind: "number", value: predict };
  const probabilities = classes > 2 ? predict : builder.add(predict, { kind: "link", link: { kind: "complement" } });
  const scored = await calibrated(mojo, scoredClasses(mojo, probabilities, rows, builder), builder);
  return { ...scored, asFrame: true };
}

/** Sums begin with the offset of the row in place of the model's own base. @throws ServingError unimplemented for a booster without trees */
function fromOffset(offset: string | undefined, builder: ProgramBuilder, file: string): AddStep {
  return (from, step) => {
    if (step.kind === "linear") throw notCovered(file, "a linear booster with an offset");
    if (step.kind !== "tree-sums") return builder.add(from, step);
    const ensemble: TreeEnsemble = { ...step.ensemble, base: new Float32Array(step.ensemble.groups) };
    const sums = builder.add(from, { ...step, ensemble });
    return offset === undefined ? sums : builder.add([sums, offset], { kind: "add-offset", missing: 0 });
  };
}
