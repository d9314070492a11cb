import type { ExportedPart } from "./exported-part.ts";

/** A size or stride as a product of a number and symbols; undefined where it is more than that. */
export type Extent = { readonly factor: number; readonly symbols: readonly string[] } | undefined;

/** How a tensor lies in memory, as far as the program says. */
export interface MemoryLayout {
  readonly sizes: readonly Extent[];
  readonly strides: readonly Extent[];
}

const TOKEN = /Symbol\('(\w+)'[^()]*\)|Integer\((\d{1,15})\)|Mul|[A-Za-z_]\w*|\d{1,15}|[(),*\s]|./gy;
/** Sizes that symbols stand for in a trial, besides 1: prime, so that no two ways to the same size meet by chance. */
const TRIALS: readonly number[] = [1009, 1013, 1019, 1021];

/** Reads a size or stride: a number, `5*s0`, or `Mul(Integer(5), Symbol('s0', ...))`. @throws ServingError data-loss */
export function extentOf(part: ExportedPart): Extent {
  const whole = part.at("as_int");
  if (whole.isThere) return { factor: whole.integer(), symbols: [] };
  const text = part.at("as_expr").at("expr_str").text();
  let factor = 1;
  const symbols: string[] = [];
  for (const [token, quoted, number] of text.matchAll(TOKEN)) {
    if (quoted !== undefined) symbols.push(quoted);
    else if (number !== undefined || /^\d/.test(token)) factor *= Number(number ?? token);
    else if (/^\w/.test(token) && token !== "Mul") symbols.push(token);
    else if (token !== "Mul" && !/[(),*\s]/.test(token)) return undefined;
  }
  return /\*\*|Pow|Add|Floor|Max|Min|Mod/.test(text) ? undefined : { factor, symbols };
}

/**
 * Whether a tensor can be seen in other sizes where it lies, so that torch makes no copy. Undefined where that depends on sizes that are known
 * only when the graph runs.
 */
export function canBeSeenAs({ sizes, strides }: MemoryLayout, wanted: readonly Extent[]): boolean | undefined {
  return inAllTrials([sizes, strides, wanted], (all) => seenAs(...(all as [number[], number[], number[]])));
}

/** Whether its numbers lie one after the other; undefined as {@link canBeSeenAs}. */
export function isContiguous({ sizes, strides }: MemoryLayout): boolean | undefined {
  return inAllTrials([sizes, strides], ([own, steps]) => {
    let expected = 1;
    for (let i = own!.length - 1; i >= 0; i--) {
      if (own![i] !== 1 && steps![i] !== expected) return false;
      expected *= own![i]!;
    }
    return true;
  });
}

/** What a question is answered for every choice of sizes, of which a dimension of 1 is the one that layouts care about. */
function inAllTrials(lists: readonly (readonly Extent[])[], holds: (lists: number[][]) => boolean): boolean | undefined {
  if (lists[1]!.length !== lists[0]!.length) return undefined;
  const known = lists.flat().flatMap((extent) => extent ?? []);
  if (known.length !== lists.reduce((sum, { length }) => sum + length, 0)) return undefined;
  const symbols = [...new Set(known.flatMap((extent) => extent.symbols))];
  if (symbols.length > TRIALS.length) return undefined;
  let found: boolean | undefined;
  for (let trial = 0; trial < 2 ** symbols.length; trial++) {
    const sizeOf = (symbol: string) => {
      const place = symbols.indexOf(symbol);
      return ((trial >> place) & 1) === 0 ? TRIALS[place]! : 1;
    };
    const numbers = (extent: Extent) => extent!.symbols.reduce((size, symbol) => size * sizeOf(symbol), extent!.factor);
    const holdsNow = holds(lists.map((list) => list.map(numbers)));
    if (found !== undefined && found !== holdsNow) return undefined;
    found = holdsNow;
  }
  return found;
}

/** Whether dimensions that lie one within the other can be shared out over the wanted ones. */
function seenAs(sizes: readonly number[], strides: readonly number[], wanted: readonly number[]): boolean {
  if (sizes.includes(0) || sizes.length === 0) return true;
  let at = wanted.length - 1;
  let [inside, outside] = [1, 1];
  let base = strides.at(-1)!;
  for (let i = sizes.length - 1; i >= 0; i--) {
    inside *= sizes[i]!;
    const goesOn = i > 0 && (sizes[i - 1] === 1 || strides[i - 1] === inside * base);
    if (goesOn) continue;
    while (at >= 0 && (outside < inside || wanted[at] === 1)) outside *= wanted[at--]!;
    if (outside !== inside) return false;
    if (i > 0) base = strides[i - 1]!;
    [inside, outside] = [1, 1];
  }
  return at < 0;
}
