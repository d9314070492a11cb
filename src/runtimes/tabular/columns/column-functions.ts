import { ServingError } from "../../../base/serving-error.ts";
import type { FeatureOperation, NumberFunction } from "../../../model/tabular/feature-operations.ts";
import type { Matrix, SparseMatrix } from "../matrix.ts";

type Of<Kind extends FeatureOperation["kind"]> = Omit<Extract<FeatureOperation, { kind: Kind }>, "kind" | "from" | "to">;

/** How close to 0, or 2, an exponent counts as that. */
const SPACING = 2 ** -52;

const FUNCTIONS: Readonly<Record<NumberFunction, (value: number) => number>> = {
  abs: Math.abs,
  cbrt: Math.cbrt,
  ceil: Math.ceil,
  cos: Math.cos,
  exp: Math.exp,
  exp2: (value) => 2 ** value,
  expm1: Math.expm1,
  floor: Math.floor,
  log: Math.log,
  log10: Math.log10,
  log1p: Math.log1p,
  log2: Math.log2,
  negative: (value) => -value,
  reciprocal: (value) => 1 / value,
  round: roundToEven,
  sign: Math.sign,
  sin: Math.sin,
  sqrt: Math.sqrt,
  square: (value) => value * value,
  tan: Math.tan,
  tanh: Math.tanh,
};

/** A function of each number. */
export function numberFunction(does: NumberFunction, { rows, width, data }: Matrix): Matrix {
  const change = FUNCTIONS[does];
  const changed = new Float64Array(data.length);
  for (let i = 0; i < data.length; i++) changed[i] = change(data[i]);
  return { rows, width, data: changed };
}

/** How many edges of its column are at most each value; NaN is above all. */
export function bins({ edges, starts, slack }: Of<"bins">, { rows, width, data }: Matrix): Matrix {
  const codes = new Float64Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const column = i % width;
    const value = slack ? data[i] + (1e-8 + 1e-5 * Math.abs(data[i])) : data[i];
    let [low, high] = [starts[column], starts[column + 1]];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (edges[middle] > value) high = middle;
      else low = middle + 1;
    }
    codes[i] = low - starts[column];
  }
  return { rows, width, data: codes };
}

/** 1 for what is above a number, else 0. */
export function threshold(over: number, value: Matrix | SparseMatrix): Matrix | SparseMatrix {
  if ("starts" in value) return { ...value, values: value.values.map((each) => (each > over ? 1 : 0)) };
  return { ...value, data: Float64Array.from(value.data, (each) => (each > over ? 1 : 0)) };
}

/** The powers of Yeo and Johnson, or of Box and Cox. @throws ServingError invalid-argument for what the latter cannot be of */
export function power({ method, exponents }: Of<"power">, { rows, width, data }: Matrix): Matrix {
  const changed = new Float64Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const [value, exponent] = [data[i], exponents[i % width]];
    if (method === "yeo-johnson") changed[i] = yeoJohnson(value, exponent);
    else if (value <= 0) {
      throw new ServingError("invalid-argument", `the input has ${value}, where the model takes numbers above 0`);
    } else changed[i] = boxCox(value, exponent);
  }
  return { rows, width, data: changed };
}

function yeoJohnson(value: number, exponent: number): number {
  if (value >= 0) return Math.abs(exponent) < SPACING ? Math.log1p(value) : Math.expm1(exponent * Math.log1p(value)) / exponent;
  if (Math.abs(exponent - 2) <= SPACING) return -Math.log1p(-value);
  return -Math.expm1((2 - exponent) * Math.log1p(-value)) / (2 - exponent);
}

function boxCox(value: number, exponent: number): number {
  return Math.abs(exponent) < 1e-19 ? Math.log(value) : Math.expm1(exponent * Math.log(value)) / exponent;
}

/** Of two whole numbers that are as near, the even one. */
function roundToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
