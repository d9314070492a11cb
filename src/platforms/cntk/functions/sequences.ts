import { damaged } from "../dictionary.ts";
import { entry, type FunctionCall, type FunctionEntry, type Translate } from "../function-call.ts";
import type { NetworkFunction } from "../network.ts";
import {
  aligned,
  dynamicParts,
  expanded,
  type NetworkValue,
  numberOf,
  shapeOf,
  staticParts,
  unsqueezed,
} from "../network-value.ts";
import { rangeOfFlags } from "../sequence-range.ts";

const TO_THE_END = 2 ** 31 - 1;

/** Past and future values outside a loop: the sequence moved by some items, what is missing taken from the initial value. */
const shifted =
  (forwards: boolean): Translate =>
  (call) => {
    const [input, initial] = [call.input(0), call.input(1)];
    const offset = call.attributes.integer("offset", 1);
    if (offset < 1) throw damaged(`${call.graph.origin} moves by ${offset}`);
    if (input.dynamic !== 2) throw call.unimplemented("its input is no sequence");
    if (initial.dynamic === 2) throw call.unimplemented("its initial value is a sequence");
    const { values } = aligned(call.graph, [initial, { value: input.value, dynamic: 2 }]);
    const batch = { of: input.value, axis: 0 };
    const missing = expanded(call.graph, values[0]!, [batch, offset, ...staticParts(input)]);
    const joined = call.add("Concat", forwards ? [missing, input.value] : [input.value, missing], { axis: 1 });
    const [begin, end] = forwards ? [0, -offset] : [offset, TO_THE_END];
    const { dtype, shape } = input.value;
    const inputs = [joined, call.integers(begin), call.integers(end), call.integers(1)];
    return { value: call.graph.add("Slice", inputs, {}, { outputs: [{ dtype, shape }] }), dynamic: 2 };
  };

/** Gives a value the dynamic dimensions of another one. */
const reconcile: Translate = (call) => {
  const [input, like] = [call.input(0), call.input(1)];
  if (input.dynamic > like.dynamic) throw call.unimplemented("its first input is a sequence, and its second is none");
  if (input.dynamic === like.dynamic && input.dynamic !== 0) return input;
  const rank = shapeOf(input.value).length - input.dynamic;
  const missing = Array.from({ length: like.dynamic - input.dynamic }, (_, i) => input.dynamic + i);
  const complete = unsqueezed(call.graph, input.value, missing);
  const parts = Array.from({ length: rank }, (_, i) => ({ of: complete, axis: like.dynamic + i }));
  return { value: expanded(call.graph, complete, [...dynamicParts(like), ...parts]), dynamic: like.dynamic };
};

const outside = (call: FunctionCall, dynamic: number): NetworkValue => {
  if (call.inLoop) throw call.unimplemented("it goes over a whole sequence within a loop over it");
  if (call.first.dynamic !== dynamic)
    throw call.unimplemented(dynamic === 2 ? "its input is no sequence" : "its input is no batch of tensors");
  return call.first;
};

/** The sequence becomes a static dimension, the first one of ours; all are of the same length, and nothing is masked. */
const unpack: Translate = (call) => {
  const input = outside(call, 2);
  call.attributes.ignore("sequenceUnpackPaddingValue", "sequenceUnpackSuppressMaskOutput");
  const one = numberOf(call.graph, input.value.dtype, 1);
  const mask = expanded(call.graph, unsqueezed(call.graph, one, [0, 1]), dynamicParts(input));
  return [
    { value: input.value, dynamic: 1 },
    { value: mask, dynamic: 1 },
  ];
};

const toSequence: Translate = (call) => {
  const input = outside(call, 1);
  call.attributes.ignore("sequenceAxis", "newDynamicAxes", "ToSequence", "sequenceAxisNamePrefix");
  if (shapeOf(input.value).length < 2) throw call.unimplemented("its input has no dimension that can be the sequence");
  const [, lengths] = call.function.inputs;
  if (lengths !== undefined && !isWhole(call, lengths))
    throw call.unimplemented("its sequences are given lengths of their own: sequences of one batch have the same here");
  return { value: input.value, dynamic: 2 };
};

const toSequenceLike: Translate = (call) => {
  const input = outside(call, 1);
  const like = call.input(1);
  if (like.dynamic !== 2 || shapeOf(input.value).length < 2) throw call.unimplemented("it is given no sequence to be like");
  return { value: input.value, dynamic: 2 };
};

/** Whether lengths are those of whole sequences: sums of masks, or what CNTK works out for a convolution. */
function isWhole({ network }: FunctionCall, lengths: string): boolean {
  const UNPACK = 72;
  const CONVOLVED_LENGTH = 97;
  const PASSING = new Set([39, 56, 62, 64]);
  let at = lengths;
  for (let depth = 0; depth < 16; depth++) {
    const producer = network.producer(at);
    if (!("function" in producer)) return false;
    const { function: made, output } = producer;
    if (made.number === CONVOLVED_LENGTH) return true;
    if (made.number === UNPACK) return output === 1;
    if (made.number === 39 && made.attributes.get("reductionOpName") !== "Sum") return false;
    if (!PASSING.has(made.number ?? -1)) return false;
    at = made.inputs[0] ?? "";
  }
  return false;
}

/** A part of a sequence, picked by flags in a form that is known. */
const gatherPacked: Translate = (call) => {
  const input = outside(call, 2);
  const { network } = call;
  const packed = functionOf(call, call.function.inputs[1], 28);
  const where = functionOf(call, packed?.inputs[1], 13);
  const range = where && rangeOfFlags(network, where.inputs[0] ?? "", (uid) => call.numberOf(uid));
  if (where === undefined || range === undefined) {
    throw call.unimplemented("it picks items by what they hold: sequences of one batch have the same length here");
  }
  const axes = where.attributes.get("newDynamicAxes");
  const { begin, end } = range;
  if (Array.isArray(axes) && axes.length === 1) {
    const place = begin ?? 0;
    if ((end ?? 0) !== place + 1) throw call.unimplemented("it takes several items as one");
    return { value: call.add("Gather", [input.value, call.graph.scalar("int64", place)], { axis: 1 }), dynamic: 1 };
  }
  const inputs = [input.value, call.integers(begin ?? 0), call.integers(end ?? TO_THE_END), call.integers(1)];
  return { value: call.add("Slice", inputs), dynamic: 2 };
};

function functionOf({ network }: FunctionCall, uid: string | undefined, number: number): NetworkFunction | undefined {
  const producer = uid === undefined ? undefined : network.producer(uid);
  return producer !== undefined && "function" in producer && producer.function.number === number ? producer.function : undefined;
}

/** Functions of sequences. */
export const SEQUENCES: readonly FunctionEntry[] = [
  entry(37, "PastValue", shifted(true), "also of several items, and as the state of a loop"),
  entry(38, "FutureValue", shifted(false), "as PastValue, backwards"),
  entry(50, "ReconcileDynamicAxis", reconcile),
  entry(72, "UnpackSequence", unpack, "sequences of one batch have the same length"),
  entry(70, "ToSequence", toSequence, "not with lengths of their own"),
  entry(71, "ToSequenceLike", toSequenceLike),
  entry(29, "GatherPacked", gatherPacked, "Sequence::First, Last and Slice; not what picks items by their values"),
];
