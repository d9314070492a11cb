/** The derivative of the logarithm of the gamma function, for numbers above 0: by recurrence to 10 and the asymptotic series from there. */
export function digamma(value: number): number {
  let shift = 0;
  let x = value;
  for (; x < 10; x++) shift -= 1 / x;
  const inverse = 1 / (x * x);
  const series =
    inverse *
    (1 / 12 -
      inverse *
        (1 / 120 - inverse * (1 / 252 - inverse * (1 / 240 - inverse * (1 / 132 - inverse * (691 / 32_760 - inverse / 12))))));
  return shift + Math.log(x) - 0.5 / x - series;
}
