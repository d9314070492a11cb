/** Terms of series and fractions that are added at most; they end far before. */
const MOST_TERMS = 500;
const TINY = 1e-300;

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

/** The number below which a normal variable is with a probability: NaN outside [0, 1]. */
export function inverseNormal(p: number): number {
  if (!(p >= 0 && p <= 1)) return Number.NaN;
  if (p === 0) return Number.NEGATIVE_INFINITY;
  if (p === 1) return Number.POSITIVE_INFINITY;
  if (p > 0.5) return -inverseNormal(1 - p);
  // A first guess of the lower tail, then Newton's method.
  const t = Math.sqrt(-2 * Math.log(p));
  let x = p < 0.02 ? -(t - Math.log(2 * Math.PI * t * t) / (2 * t)) : (p - 0.5) * Math.sqrt(2 * Math.PI);
  for (let i = 0; i < 50; i++) {
    const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
    const error = (normalCdf(x) - p) / density;
    // Halley's correction.
    const step = error / (1 + (x * error) / 2);
    x -= step;
    if (Math.abs(step) <= 1e-15 * Math.max(1, Math.abs(x))) break;
  }
  return x;
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
