import type { Network, NetworkFunction } from "./network.ts";

const PAST = 37;
const FUTURE = 38;
const MINUS = 20;
const ELEMENT_TIMES = 21;
const RECONCILE = 50;
const MOST_DEPTH = 16;

/** A part of a sequence as ONNX's Slice takes it: a negative place is counted from the end, undefined is the sequence's own edge. */
export interface SequenceRange {
  readonly begin?: number;
  readonly end?: number;
}

/**
 * The part of a sequence for which flags are 1, where they are made as CNTK's Sequence::Slice, First, Last, IsFirst and IsLast make them:
 * of past and future values of a constant, of what these leave over, and of products. Undefined for all else.
 */
export function rangeOfFlags(
  network: Network,
  flags: string,
  values: (uid: string) => number | undefined,
  depth = 0,
): SequenceRange | undefined {
  const producer = network.producer(flags);
  if (!("function" in producer) || depth > MOST_DEPTH) return undefined;
  const { function: made } = producer;
  const [first = "", second = ""] = made.inputs;
  if (made.number === PAST || made.number === FUTURE) return shifted(network, made, values);
  if (made.number === MINUS) {
    const rest = constantOf(network, first, values) === 1 ? rangeOfFlags(network, second, values, depth + 1) : undefined;
    return rest && complement(rest);
  }
  if (made.number !== ELEMENT_TIMES) return undefined;
  const [a, b] = [first, second].map((each) => rangeOfFlags(network, each, values, depth + 1));
  if (a === undefined || b === undefined) return undefined;
  // Where one begins or ends at the sequence's own edge, the other says where both do.
  if ((a.begin !== undefined && b.begin !== undefined) || (a.end !== undefined && b.end !== undefined)) return undefined;
  return { ...a, ...b };
}

/** A constant that is moved by some items: the others have its initial value. */
function shifted(
  network: Network,
  made: NetworkFunction,
  values: (uid: string) => number | undefined,
): SequenceRange | undefined {
  const [moved, initial] = made.inputs.map((each) => constantOf(network, each, values));
  const offset = made.attributes.get("offset") ?? 1;
  if (typeof offset !== "number" || offset < 1) return undefined;
  const edge: SequenceRange = made.number === PAST ? { end: offset } : { begin: -offset };
  if (moved === 0 && initial === 1) return edge;
  return moved === 1 && initial === 0 ? complement(edge) : undefined;
}

function complement({ begin, end }: SequenceRange): SequenceRange | undefined {
  if (begin === undefined && end !== undefined) return { begin: end };
  return end === undefined && begin !== undefined ? { end: begin } : undefined;
}

/** A number that a value has everywhere. */
function constantOf(network: Network, uid: string, values: (uid: string) => number | undefined): number | undefined {
  let at = uid;
  for (let depth = 0; depth <= MOST_DEPTH; depth++) {
    const producer = network.producer(at);
    if ("variable" in producer) return values(producer.variable.uid);
    if (producer.function.number !== RECONCILE) return undefined;
    at = producer.function.inputs[0] ?? "";
  }
  return undefined;
}
