import type { GraphValue } from "../../../graph/graph-value.ts";
import type { Call, InputNeed, Translation } from "../call.ts";

/** The rows of a tensor that each length says belong together: their sums, means or greatest values, one row each; of none, 0. */
function pooledRows(call: Call, rows: GraphValue, lengths: GraphValue, how: "Sum" | "Mean"): GraphValue {
  const { graph } = call;
  const number = (value: number) => graph.scalar("int64", value);
  const wide = call.asIntegers(lengths);
  const ends = call.add("CumSum", [wide, number(0)]);
  const count = call.add("Gather", [call.sizesOf(rows), graph.integers([0])]);
  // How many segments end at each place; running sums of it number the segment that each row is in. One place is behind all rows.
  const places = call.add("ConstantOfShape", [call.add("Add", [count, graph.integers([1])])], {
    value: { dtype: "int64", shape: [1], data: BigInt64Array.of(0n) },
  });
  const ones = call.add("ConstantOfShape", [call.sizesOf(wide)], {
    value: { dtype: "int64", shape: [1], data: BigInt64Array.of(1n) },
  });
  const ended = call.add("ScatterElements", [places, ends, ones], { axis: 0, reduction: "add" });
  const numbers = call.add("Slice", [call.add("CumSum", [ended, number(0)]), graph.integers([0]), graph.integers([-1])]);
  const behind = call.add("Slice", [call.sizesOf(rows), graph.integers([1]), graph.integers([1000]), graph.integers([0])]);
  const size = call.add("Concat", [call.sizesOf(wide), behind], { axis: 0 });
  const zeros = call.add("ConstantOfShape", [size]);
  const targets = call.add("Unsqueeze", [numbers, graph.integers([1])]);
  const [batch, ...rest] = [lengths.shape?.[0], ...(rows.shape?.slice(1) ?? [])];
  const sums = graph.add(
    "ScatterND",
    [zeros, targets, rows],
    { reduction: "add" },
    {
      outputs: [{ dtype: rows.dtype, shape: rows.shape && [batch, ...rest] }],
    },
  );
  if (how === "Sum") return sums;
  const atLeastOne = call.add("Max", [wide, number(1)]);
  const divisors = call.add("Cast", [atLeastOne], { to: 1 });
  const column = call.add("Reshape", [
    divisors,
    call.add(
      "Concat",
      [
        call.sizesOf(wide),
        call.add("ConstantOfShape", [call.add("Shape", [behind])], {
          value: { dtype: "int64", shape: [1], data: BigInt64Array.of(1n) },
        }),
      ],
      { axis: 0 },
    ),
  ]);
  return graph.add("Div", [sums, column], {}, { outputs: [{ dtype: sums.dtype, shape: sums.shape }] });
}

/** Rows times one number each. */
function weighted(call: Call, rows: GraphValue, weights: GraphValue): GraphValue {
  const behind = Array.from({ length: call.rankOf(rows) - 1 }, (_, i) => i + 1);
  return call.add("Mul", [rows, behind.length === 0 ? weights : call.add("Unsqueeze", [weights, call.graph.integers(behind)])]);
}

function pooledSegments(call: Call): GraphValue {
  const sparse = call.type.startsWith("Sparse");
  const isWeighted = call.type.includes("Weighted");
  const how = call.type.endsWith("Mean") ? "Mean" : "Sum";
  const data = call.first;
  if (data.dtype !== "float32") throw call.unimplemented(`tables of ${data.dtype} are not covered`);
  const next = isWeighted ? 2 : 1;
  const lengths = call.input(sparse ? next + 1 : next);
  const rows = sparse ? call.add("Gather", [data, call.input(next)], { axis: 0 }) : data;
  return pooledRows(call, isWeighted ? weighted(call, rows, call.input(1)) : rows, lengths, how);
}

function segmentNeeds(sparse: boolean, isWeighted: boolean): () => readonly (InputNeed | undefined)[] {
  const indices: InputNeed = { dtype: "int64", shape: ["indices"] };
  const lengths: InputNeed = { dtype: "int32", shape: ["batch"] };
  const weights: InputNeed = { dtype: "float32", shape: ["indices"] };
  return () => [undefined, ...(isWeighted ? [weights] : []), ...(sparse ? [indices] : []), lengths];
}

const NOTE = "segments without rows are 0; indices that are an input of the model are int64, lengths int32";

const segments = (name: string): [string, Translation] => [
  name,
  { translate: pooledSegments, inputs: segmentNeeds(name.startsWith("Sparse"), name.includes("Weighted")), note: NOTE },
];

/** Operators on rows in segments of given lengths. */
export const SEGMENT_OPERATORS: Readonly<Record<string, Translation>> = Object.fromEntries(
  ["SparseLengthsSum", "SparseLengthsMean", "SparseLengthsWeightedSum", "LengthsSum", "LengthsMean", "LengthsWeightedSum"].map(
    segments,
  ),
);
