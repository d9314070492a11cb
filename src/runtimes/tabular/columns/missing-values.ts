import type { FeatureOperation } from "../../../model/tabular/feature-operations.ts";
import type { Matrix, Texts } from "../matrix.ts";

type Of<Kind extends FeatureOperation["kind"]> = Omit<Extract<FeatureOperation, { kind: Kind }>, "kind" | "from" | "to">;

/** 1 for what is missing in some columns, else 0. */
export function missingFlags({ missing, columns }: Of<"missing-flags">, value: Matrix | Texts): Matrix {
  const { rows, width } = value;
  const given: ArrayLike<number | string | null> = "texts" in value ? value.texts : value.data;
  const flags = new Float64Array(rows * columns.length);
  for (let i = 0; i < flags.length; i++) {
    const each = given[Math.floor(i / columns.length) * width + columns[i % columns.length]];
    if (each === missing || (Number.isNaN(missing) && Number.isNaN(each))) flags[i] = 1;
  }
  return { rows, width: columns.length, data: flags };
}

/** What is missing becomes the text of its column, where it has one. */
export function imputeTexts({ missing, values }: Of<"impute-texts">, { rows, width, texts }: Texts): Texts {
  return { rows, width, texts: texts.map((text, i) => (text === missing ? (values[i % width] ?? text) : text)) };
}
