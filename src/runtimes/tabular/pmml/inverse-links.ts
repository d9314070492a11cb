import { normalCdf } from "../normal-distribution.ts";

/** Functions that turn the sum of a linear model into a probability or a number. */
export type InverseLink = (value: number) => number;

/** The base of exponentials in float32: Euler's number as far as PMML's usual engine has it there, which shows in the answers. */
const FLOAT_BASE = 2.7182817;

/** The exponential function, or what stands for it in float32. */
export function exponential(float: boolean): (value: number) => number {
  return float ? (value) => Math.fround(FLOAT_BASE ** value) : Math.exp;
}

/**
 * The inverse of a link by its name.
 * @param float whether steps are rounded to float32
 * @throws Error for a name that the reader lets not through
 */
export function inverseLink(name: string, float: boolean): InverseLink {
  const exp = exponential(float);
  const round = float ? Math.fround : (value: number) => value;
  switch (name) {
    case "none":
    case "identity":
      return (value) => value;
    // Of one number alone the softmax is the logistic function.
    case "logit":
    case "softmax":
      return (value) => round(1 / round(1 + exp(-value)));
    case "probit":
      return (value) => round(normalCdf(value));
    case "cloglog":
      return (value) => round(1 - exp(-exp(value)));
    case "loglog":
      return (value) => exp(-exp(-value));
    case "cauchit":
      return (value) => round(0.5 + round(round(Math.atan(value)) / Math.PI));
    case "exp":
    case "log":
      return exp;
    case "logc":
      return (value) => 1 - exp(value);
    default:
      throw new Error(`there is no link "${name}"`);
  }
}

/** Makes shares of numbers, in place: their exponentials divided by the sum. */
export function softmax(values: Float64Array, float: boolean): void {
  const most = values.reduce((found, value) => Math.max(found, value), Number.NEGATIVE_INFINITY);
  const round = float ? Math.fround : (value: number) => value;
  const exp = exponential(float);
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    values[i] = exp(round(values[i] - most));
    sum = round(sum + values[i]);
  }
  for (let i = 0; i < values.length; i++) values[i] = round(values[i] / sum);
}

/** Divides numbers by their sum, in place. */
export function simplemax(values: Float64Array, float: boolean): void {
  const round = float ? Math.fround : (value: number) => value;
  const sum = values.reduce((total, value) => round(total + value), 0);
  for (let i = 0; i < values.length; i++) values[i] = round(values[i] / sum);
}
