import type { LevelColumn } from "../../../model/tabular/h2o-operations.ts";
import type { Matrix, Texts } from "../matrix.ts";

/** Lays the inputs of requests side by side as rows of numbers, `width` wide. */
export function levelRows(columns: readonly LevelColumn[], width: number): (inputs: readonly (Matrix | Texts)[]) => Matrix {
  const fills = columns.map(fillOf);
  return (inputs) => {
    const { rows } = inputs[0];
    const data = new Float64Array(rows * width).fill(Number.NaN);
    for (const [i, input] of inputs.entries()) {
      const { column } = columns[i];
      const values = "texts" in input ? input.texts : input.data;
      for (let row = 0; row < rows; row++) fills[i](values[row], data, row * width + column);
    }
    return { rows, width, data };
  };
}

/** Makes NaN of what is its column's limit or more. */
export function limitLevels(limits: Float64Array, { rows, width, data }: Matrix): Matrix {
  const limited = Float64Array.from(data, (value, i) => (value >= limits[i % width] ? Number.NaN : value));
  return { rows, width, data: limited };
}

/** Writes a value from a place of a row on. */
type Fill = (value: string | number | null, data: Float64Array, at: number) => void;

function fillOf({ levels, width }: LevelColumn): Fill {
  if (levels === undefined) {
    return (value, data, at) => {
      data[at] = value as number;
    };
  }
  const codes = new Map(levels.names.map((name, i) => [name, levels.codes[i]] as const));
  const write = WRITERS[levels.as];
  return (value, data, at) => {
    if (value !== null) write(codes.get(value as string) ?? levels.unknown, data, at, width);
  };
}

const WRITERS: Readonly<
  Record<NonNullable<LevelColumn["levels"]>["as"], (code: number, data: Float64Array, at: number, width: number) => void>
> = {
  code(code, data, at) {
    data[at] = code;
  },
  hot(code, data, at, width) {
    for (let i = 0; i < width; i++) data[at + i] = i === code ? 1 : 0;
  },
  bits(code, data, at, width) {
    for (let i = 0; i < width; i++) data[at + i] = (code >>> i) & 1;
  },
};
