import type { PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import type { PmmlSegmentation } from "../../../model/tabular/pmml-models.ts";

/** What one of several models says of a row. */
export interface Part {
  /** The label that it predicts. */
  readonly value: PmmlValue | null;
  readonly weight: number;
  /** The probability of the label with a number. @throws RowFault where the model has no probabilities */
  share(label: number): number;
}

/**
 * Shares of labels by several models: of their votes, or their probabilities.
 * @param shares where they go, by the number of the label
 * @param numbers numbers of labels
 * @returns the greatest number or weight of votes, 0 where votes do not count
 */
export function sharesOfParts(
  method: PmmlSegmentation,
  parts: readonly Part[],
  numbers: ReadonlyMap<PmmlValue, number>,
  shares: Float64Array,
): number {
  shares.fill(0);
  switch (method) {
    case "majorityVote":
    case "weightedMajorityVote":
      return countVotes(parts, method === "majorityVote", numbers, shares);
    case "average":
    case "weightedAverage":
      addShares(parts, method === "average", shares);
      return 0;
    case "median":
      for (let label = 0; label < shares.length; label++) shares[label] = median(parts.map((part) => part.share(label)));
      return 0;
    case "max":
    case "sum":
    case "weightedSum":
    case "weightedMedian":
    case "selectFirst":
    case "selectAll":
    case "modelChain":
    case "multiModelChain":
      addShares([surest(parts, shares.length)], true, shares);
      return 0;
  }
}

function countVotes(
  parts: readonly Part[],
  alike: boolean,
  numbers: ReadonlyMap<PmmlValue, number>,
  shares: Float64Array,
): number {
  let total = 0;
  let most = 0;
  for (const { value, weight } of parts) {
    const number = numbers.get(value!)!;
    const votes = alike ? 1 : weight;
    shares[number] += votes;
    total += votes;
    most = Math.max(most, shares[number]);
  }
  for (let label = 0; label < shares.length; label++) shares[label] /= total;
  return most;
}

function addShares(parts: readonly Part[], alike: boolean, shares: Float64Array): void {
  let weights = 0;
  for (const part of parts) {
    const weight = alike ? 1 : part.weight;
    weights += weight;
    for (let label = 0; label < shares.length; label++) shares[label] += weight * part.share(label);
  }
  for (let label = 0; label < shares.length; label++) shares[label] /= weights;
}

/** The first of the surest. */
function surest(parts: readonly Part[], labels: number): Part {
  let best = parts[0];
  let most = 0;
  for (const part of parts) {
    for (let label = 0; label < labels; label++) {
      const share = part.share(label);
      if (share > most) [best, most] = [part, share];
    }
  }
  return best;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
