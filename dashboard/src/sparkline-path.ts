/** What a line is drawn into. */
export interface Canvas {
  /** What the whole width stands for, in seconds. */
  readonly span: number;
  readonly width: number;
  readonly height: number;
}

/**
 * The path of a line that ends at the right and stands on the bottom, its highest value at the top; `null` is a gap. Empty where nothing
 * is above 0.
 */
export function sparklinePath(
  at: readonly number[],
  values: readonly (number | null)[],
  { span, width, height }: Canvas,
): string {
  const highest = Math.max(...values.map((value) => value ?? 0));
  if (highest <= 0) return "";
  const end = at.at(-1)!;
  let pen = "M";
  let path = "";
  for (const [index, value] of values.entries()) {
    if (value === null) {
      pen = "M";
      continue;
    }
    const x = width * (1 - (end - at[index]!) / span);
    const y = height - 1 - (value / highest) * (height - 3);
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  }
  return path;
}
