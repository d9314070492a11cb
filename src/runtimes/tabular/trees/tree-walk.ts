import {
  NODE_CATEGORICAL,
  NODE_DEFAULT_LEFT,
  NODE_NAN_IS_MISSING,
  NODE_ZERO_IS_MISSING,
  type TreeEnsemble,
} from "../../../model/tabular/tabular-program.ts";

/** What LightGBM holds to be 0, a float32. */
const ZERO = Math.fround(1e-35);

/** The leaf that a row, which begins at `row` in `data`, reaches from a node. The rules are those that {@link TreeEnsemble} states. */
export function leafOf(ensemble: TreeEnsemble, node: number, data: ArrayLike<number>, row: number): number {
  const { features, left, right } = ensemble;
  let at = node;
  while (features[at]! >= 0) at = goesLeft(ensemble, at, data[row + features[at]!]!) ? left[at]! : right[at]!;
  return at;
}

function goesLeft(ensemble: TreeEnsemble, node: number, given: number): boolean {
  const rules = ensemble.rules[node]!;
  const absent = Number.isNaN(given);
  if (isMissing(rules, given, absent)) return (rules & NODE_DEFAULT_LEFT) !== 0;
  if (rules & NODE_CATEGORICAL) return isInSet(ensemble, node, absent ? -1 : given) === (ensemble.categories!.inSet === "left");
  const value = absent ? 0 : given;
  return ensemble.leftWhen === "less" ? value < ensemble.values[node]! : value <= ensemble.values[node]!;
}

function isMissing(rules: number, value: number, absent: boolean): boolean {
  if (rules & NODE_ZERO_IS_MISSING) return absent || (value >= -ZERO && value <= ZERO);
  return absent && (rules & NODE_NAN_IS_MISSING) !== 0;
}

/** What is no whole number is cut; what is negative or beyond the set is not in it. */
function isInSet({ categories }: TreeEnsemble, node: number, value: number): boolean {
  const { starts, lengths, words } = categories!;
  if (!(value > -1 && value < lengths[node]! * 32)) return false;
  const category = Math.trunc(value);
  return ((words[starts[node]! + (category >> 5)]! >>> (category & 31)) & 1) === 1;
}
