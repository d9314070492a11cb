/** Weights above 0 of a model's labels; what a model without one is not in. Model name to label to weight. */
export type TrafficSplits = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** No model splits its traffic. */
export const NO_TRAFFIC_SPLITS: TrafficSplits = new Map();

/** A version and its share of the requests that name none. */
export interface Share {
  readonly version: bigint;
  readonly weight: number;
}

/** The shares of a model whose labels stand for these versions; a label without a version has none. */
export function sharesOf(split: ReadonlyMap<string, number>, labels: ReadonlyMap<string, bigint> | undefined): readonly Share[] {
  const shares: Share[] = [];
  let total = 0;
  for (const weight of split.values()) total += weight;
  // A sum that no number can hold could not be divided.
  const scale = Number.isFinite(total) ? 1 : Number.MAX_VALUE;
  for (const [label, weight] of split) {
    const version = labels?.get(label);
    if (version !== undefined) shares.push({ version, weight: weight / scale });
  }
  return shares;
}

/** The version that `random`, from 0 up to but not including 1, falls on; undefined when there is no share. */
export function drawVersion(shares: readonly Share[], random: number): bigint | undefined {
  let total = 0;
  for (let i = 0; i < shares.length; i++) total += shares[i]!.weight;
  let left = random * total;
  for (let i = 0; i < shares.length; i++) {
    left -= shares[i]!.weight;
    if (left < 0) return shares[i]!.version;
  }
  // Rounding may leave a rest that belongs to the last one.
  return shares.at(-1)?.version;
}
