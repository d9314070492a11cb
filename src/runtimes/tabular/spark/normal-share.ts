const ROOT_OF_TWO_PI = Math.sqrt(2 * Math.PI);
/** From here on the series would need many terms, and the fraction few. */
const FAR = 5;
const FRACTION_TERMS = 40;

/** The share of the standard normal distribution that lies below a value, to about 1e-15. */
export function normalShare(value: number): number {
  const size = Math.abs(value);
  const height = Math.exp((-size * size) / 2) / ROOT_OF_TWO_PI;
  if (size < FAR) {
    let term = size;
    let sum = size;
    for (let odd = 3; term > sum * 1e-17; odd += 2) {
      term *= (size * size) / odd;
      sum += term;
    }
    return 0.5 + Math.sign(value) * height * sum;
  }
  // The share above, as a continued fraction.
  let fraction = size;
  for (let i = FRACTION_TERMS; i > 0; i--) fraction = size + i / fraction;
  const above = height / fraction;
  return value < 0 ? above : 1 - above;
}
