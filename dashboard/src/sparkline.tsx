import { sparklinePath } from "./sparkline-path.ts";

const WIDTH = 110;
const HEIGHT = 24;

interface SparklineProps {
  /** Seconds, rising; the last is at the right end. */
  readonly at: readonly number[];
  readonly values: readonly (number | null)[];
  /** What the whole width stands for, in seconds. */
  readonly span: number;
}

/** A line without axes, for beside a number that says the same. */
export function Sparkline({ at, values, span }: SparklineProps) {
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path d={sparklinePath(at, values, { span, width: WIDTH, height: HEIGHT })} />
    </svg>
  );
}
