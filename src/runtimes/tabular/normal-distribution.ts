/** Terms of series and fractions that are added at most; they end far before. */
const MOST_TERMS = 500;
const TINY = 1e-300;

/**
 * Coefficients from the highest power down, of algorithm AS 241 (M. J. Wichura, The percentage points of the normal distribution, Applied
 * Statistics 37, 1988): exact to about 1e-16.
 */
const CENTRE_ABOVE = [
  2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513,
  133.14166789178438, 3.3871328727963665,
];
const CENTRE_BELOW = [
  5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579,
  42.31333070160091, 1,
];
const MIDDLE_ABOVE = [
  0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045, 5.769497221460691,
  4.630337846156546, 1.4234371107496835,
];
const MIDDLE_BELOW = [
  1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851, 1.6763848301838038,
  2.053191626637759, 1,
];
const TAIL_ABOVE = [
  2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124, 0.29656057182850487,
  1.7848265399172913, 5.463784911164114, 6.657904643501103,
];
const TAIL_BELOW = [
  2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133, 0.014875361290850615,
  0.1369298809227358, 0.599832206555888, 1,
];

/** The error function. */
export function erf(x: number): number {
  return x < 0 ? -erf(-x) : x < 2 ? erfSeries(x) : 1 - erfcFraction(x);
}

/** The distribution function of the standard normal distribution. */
export function normalCdf(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const tail = z < 2 ? (1 - erfSeries(z)) / 2 : erfcFraction(z) / 2;
  return x < 0 ? tail : 1 - tail;
}

/** The value of the standard normal distribution below which a share lies; NaN for none from 0 to 1. */
export function normalQuantile(share: number): number {
  if (share === 0) return Number.NEGATIVE_INFINITY;
  if (share === 1) return Number.POSITIVE_INFINITY;
  const fromCentre = share - 0.5;
  if (Math.abs(fromCentre) <= 0.425) {
    const rest = 0.180625 - fromCentre * fromCentre;
    return (fromCentre * polynomial(CENTRE_ABOVE, rest)) / polynomial(CENTRE_BELOW, rest);
  }
  const rest = Math.sqrt(-Math.log(fromCentre <= 0 ? share : 1 - share));
  const value =
    rest <= 5
      ? polynomial(MIDDLE_ABOVE, rest - 1.6) / polynomial(MIDDLE_BELOW, rest - 1.6)
      : polynomial(TAIL_ABOVE, rest - 5) / polynomial(TAIL_BELOW, rest - 5);
  return fromCentre < 0 ? -value : value;
}

function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < MOST_TERMS; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
    if (term < sum * 1e-18) break;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** By a continued fraction, for arguments that are not small. */
function erfcFraction(x: number): number {
  let c = x;
  let d = 0;
  let value = x;
  for (let n = 1; n < MOST_TERMS; n++) {
    const a = n / 2;
    d = 1 / Math.max(TINY, x + a * d);
    c = x + a / c;
    value *= c * d;
    if (Math.abs(c * d - 1) < 1e-16) break;
  }
  return Math.exp(-x * x) / (value * Math.sqrt(Math.PI));
}

function polynomial(coefficients: readonly number[], at: number): number {
  let value = 0;
  for (const coefficient of coefficients) value = value * at + coefficient;
  return value;
}
