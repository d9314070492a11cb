import { sharedFloats } from "../shared-arrays.ts";
import type { Mojo } from "./mojo.ts";
import { MOST_COLUMNS } from "./mojo.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Scored } from "./scored.ts";

/** The nearest of some centres. */
export function kMeans(mojo: Mojo, rows: string, builder: ProgramBuilder): Scored {
  const { settings, features, domains } = mojo;
  const count = settings.count("center_num", 1, MOST_COLUMNS);
  const centers: number[] = [];
  for (let i = 0; i < count; i++) for (const number of settings.numbers(`center_${i}`, features)) centers.push(number);
  const isLevel = new Uint8Array(new SharedArrayBuffer(features));
  for (let column = 0; column < features; column++) isLevel[column] = domains.has(column) ? 1 : 0;
  const from = settings.flag("standardize") ? standardized(mojo, rows, builder) : rows;
  const distances = builder.add(from, { kind: "level-distances", points: sharedFloats(centers), isLevel });
  return { kind: "cluster", value: builder.add(distances, { kind: "h2o-link", link: { kind: "least-column" } }) };
}

function standardized({ settings, features }: Mojo, rows: string, builder: ProgramBuilder): string {
  const means = settings.numbers("standardize_means", features);
  const modes = settings.counts("standardize_modes", -1, MOST_COLUMNS, features);
  const isNumber = (column: number): boolean => modes[column] === -1;
  const filled = builder.add(rows, {
    kind: "impute",
    missing: Number.NaN,
    values: sharedFloats(means.map((mean, column) => (isNumber(column) ? mean : modes[column]!))),
  });
  if (!settings.has("standardize_mults")) return filled;
  const factors = settings.numbers("standardize_mults", features);
  const by = sharedFloats(means.map((mean, column) => (isNumber(column) ? mean : 0)));
  const centred = builder.add(filled, { kind: "columns", does: "subtract", by });
  return builder.add(centred, {
    kind: "columns",
    does: "multiply",
    by: sharedFloats(factors.map((factor, column) => (isNumber(column) ? factor : 1))),
  });
}
