import type { GraphValue } from "../../../graph/graph-value.ts";
import { type OperatorCall, type OperatorEntry, operator, type Translate } from "../operator-call.ts";
import { range } from "./normalization.ts";

/** Which of the first two dimensions time is. */
function timeAxis(call: OperatorCall): 0 | 1 {
  const axis = call.attributes.integer("axis", 0);
  if (axis !== 0 && axis !== 1) throw call.invalid(`axis is ${axis} where 0 or 1 is expected`);
  return axis;
}

const mask: Translate = (call) => {
  const { attributes, data } = call;
  const time = timeAxis(call);
  const value = attributes.number("value", 0);
  if (!attributes.boolean("use_sequence_length", false)) return data;
  const rank = call.rank();
  const places = call.reshape(range(call, call.sizeOf(data, time)), time === 0 ? [-1, 1] : [1, -1]);
  const lengths = call.reshape(call.cast(call.input(1), "int64"), time === 0 ? [1, -1] : [-1, 1]);
  const inside = call.add("Less", [places, lengths]);
  const more = Array.from({ length: rank - 2 }, (_, i) => i + 2);
  const spread = more.length === 0 ? inside : call.add("Unsqueeze", [inside, call.graph.integers(more)]);
  return call.add("Where", [spread, data, call.scalar(value, data)]);
};

const last: Translate = (call) => {
  const { attributes, data } = call;
  const time = timeAxis(call);
  if (!attributes.boolean("use_sequence_length", false)) {
    return call.add("Gather", [data, call.graph.scalar("int64", -1)], { axis: time });
  }
  const byBatch = time === 1 ? data : swapped(call, data);
  const places = call.add("Sub", [call.cast(call.input(1), "int64"), call.graph.scalar("int64", 1)]);
  return call.add("GatherND", [byBatch, call.add("Unsqueeze", [places, call.integers(-1)])], { batch_dims: 1 });
};

function swapped(call: OperatorCall, value: GraphValue): GraphValue {
  return call.transpose(value, [1, 0, ...Array.from({ length: call.rank(value) - 2 }, (_, i) => i + 2)]);
}

const reverse: Translate = (call) => {
  const { attributes, data } = call;
  if (timeAxis(call) !== 0) throw call.refuse("axis 1 is not covered");
  const rank = call.rank();
  if (rank < 2) throw call.invalid("its input has no dimension of a batch");
  const lengths = attributes.boolean("use_sequence_length", false)
    ? call.cast(call.input(1), "int64")
    : call.add("Expand", [call.sizeOf(data, 0), call.sizeOf(data, 1)]);
  return call.add("ReverseSequence", [data, lengths], { time_axis: 0, batch_axis: 1 });
};

/** Sequences of different lengths. */
export const SEQUENCES: readonly OperatorEntry[] = [
  operator("SequenceMask", mask),
  operator("SequenceLast", last),
  operator("SequenceReverse", reverse),
];
