import { elementTypeOf } from "../../../graph/element-type.ts";
import type { GraphValue } from "../../../graph/graph-value.ts";
import { damaged, type StoredAxis } from "../dictionary.ts";
import { entry, type FunctionCall, type FunctionEntry, type Translate } from "../function-call.ts";
import {
  aligned,
  expanded,
  type NetworkValue,
  numberOf,
  type Part,
  shapeOf,
  staticParts,
  staticShape,
  unsqueezed,
  withStaticShape,
} from "../network-value.ts";

const TO_THE_END = 2 ** 31 - 1;
const MOST_MIRRORED = 2 ** 16;

/** Puts a range of CNTK's axes in another shape. */
const reshape: Translate = (call) => {
  const { attributes, first } = call;
  const parts = [...staticParts(first)].reverse();
  const rank = parts.length;
  const begin = attributes.has("beginAxis") ? edgeOf(call, attributes.axis("beginAxis"), rank, 0) : 0;
  const end = attributes.has("endAxis") ? edgeOf(call, attributes.axis("endAxis"), rank, rank) : rank;
  if (begin > end) throw damaged(`${call.graph.origin} has a range of axes from ${begin} to ${end}`);
  const wanted = attributes.shape("newShape").map((size, i): Part => {
    if (typeof size === "number") return size;
    const same = parts[begin + i];
    if (size === "free" && same !== undefined) return same;
    return "rest";
  });
  if (wanted.filter((part) => part === "rest").length > 1) throw call.unimplemented("several of its new sizes are open");
  return withStaticShape(call.graph, first, [...parts.slice(0, begin), ...wanted, ...parts.slice(end)].reverse());
};

/** A place between axes, in CNTK's order. */
function edgeOf(call: FunctionCall, axis: StoredAxis, rank: number, fallback: number): number {
  if (call.isEnd(axis) || call.isAllStatic(axis)) return fallback;
  const place = axis.index < 0 ? axis.index + rank : axis.index;
  if (place >= 0 && place <= rank) return place;
  throw call.invalid(`axis ${axis.index} does not exist in a tensor of ${rank} static dimensions`);
}

const slice: Translate = (call) => {
  const { attributes, first } = call;
  const several = attributes.has("axisVec");
  const axes = several ? attributes.axes("axisVec") : [attributes.axis("axis")];
  const list = (name: string, fallback?: number) =>
    several && (fallback === undefined || attributes.has(`${name}Vec`))
      ? attributes.integers(`${name}Vec`)
      : axes.map(() => attributes.integer(name, fallback));
  const [begins, ends, steps] = [list("beginIndex"), list("endIndex"), list("sliceStrides", 1)];
  let { value } = first;
  for (const [i, axis] of axes.entries()) {
    const at = call.integers(call.axisOf(axis));
    const [begin, end, step] = [begins[i], ends[i], steps[i]];
    if (begin === undefined || end === undefined || step === undefined || step === 0)
      throw damaged(`${call.graph.origin} has no range for each axis`);
    value = call.add("Slice", [
      value,
      call.integers(begin),
      call.integers(end === 0 ? TO_THE_END : end),
      at,
      call.integers(Math.max(1, step)),
    ]);
    // Backwards it takes the same range, from its end.
    if (step < 0) value = call.add("Slice", [value, call.integers(-1), call.integers(-TO_THE_END), at, call.integers(step)]);
  }
  return { value, dynamic: first.dynamic };
};

/** Joins tensors; what is broadcast elsewhere has to be repeated. */
const splice: Translate = (call) => {
  const axis = call.attributes.axis("axis");
  if (axis.index >= 2147483640) throw call.unimplemented("it joins along a dynamic axis");
  if (call.inputs.length === 0) throw damaged(`${call.graph.origin} has no inputs`);
  const most = Math.max(...call.inputs.map((each) => staticShape(each).length));
  const rank = Math.max(most, axis.index + 1);
  const inputs = call.inputs.map((each) => {
    const missing = rank - staticShape(each).length;
    if (missing === 0) return each;
    return {
      value: unsqueezed(
        call.graph,
        each.value,
        Array.from({ length: missing }, (_, i) => each.dynamic + i),
      ),
      dynamic: each.dynamic,
    };
  });
  const place = call.staticAxis(axis, rank);
  const { values, dynamic } = aligned(call.graph, inputs);
  const whole = values.map((value, i) => repeated(call, value, values, inputs[i]!, dynamic, rank, dynamic + place));
  return { value: whole.length === 1 ? whole[0]! : call.add("Concat", whole, { axis: dynamic + place }), dynamic };
};

/** A value with the sizes of all values together, but for one dimension. */
function repeated(
  call: FunctionCall,
  value: GraphValue,
  all: readonly GraphValue[],
  { dynamic }: NetworkValue,
  most: number,
  rank: number,
  except: number,
): GraphValue {
  const full = most + rank;
  const complete =
    dynamic === most
      ? value
      : unsqueezed(
          call.graph,
          value,
          Array.from({ length: full - shapeOf(value).length }, (_, i) => i),
        );
  const parts = Array.from({ length: full }, (_, axis): Part => {
    if (axis === except || shapeOf(complete)[axis] !== 1) return { of: complete, axis };
    const other = all.find((each) => shapeOf(each).length === full && shapeOf(each)[axis] !== 1);
    return other === undefined ? 1 : { of: other, axis };
  });
  return expanded(call.graph, complete, parts);
}

const transpose: Translate = (call) => {
  const { attributes, first } = call;
  const rank = staticShape(first).length;
  const places = Array.from({ length: rank }, (_, i) => i);
  if (attributes.has("axisVec")) {
    const order = attributes.axes("axisVec");
    if (order.length !== rank) throw damaged(`${call.graph.origin} puts ${order.length} axes of ${rank} in order`);
    for (const [i, axis] of order.entries()) places[rank - 1 - i] = call.staticAxis(axis, rank);
  } else {
    const [a, b] = [call.staticAxis(attributes.axis("axis1"), rank), call.staticAxis(attributes.axis("axis2"), rank)];
    places[a] = b;
    places[b] = a;
  }
  if (new Set(places).size !== rank) throw damaged(`${call.graph.origin} takes an axis twice`);
  const dynamic = Array.from({ length: first.dynamic }, (_, i) => i);
  return call.unary("Transpose", { perm: [...dynamic, ...places.map((place) => first.dynamic + place)] });
};

const squeeze: Translate = (call) => {
  const { attributes, first } = call;
  const sizes = staticShape(first);
  const axes = attributes.has("axisVec")
    ? attributes.axes("axisVec").map((axis) => call.staticAxis(axis, sizes.length))
    : [...sizes.keys()].filter((i) => sizes[i] === 1);
  return withStaticShape(
    call.graph,
    first,
    staticParts(first).filter((_, i) => !axes.includes(i)),
  );
};

const pad: Translate = (call) => {
  const { attributes, first } = call;
  const mode = attributes.integer("paddingMode");
  const rank = staticShape(first).length;
  const [head, foot] = [attributes.integers("paddingHead"), attributes.integers("paddingFoot")].map((list) =>
    [...list].reverse(),
  );
  if (head!.length !== rank || foot!.length !== rank)
    throw damaged(`${call.graph.origin} pads ${head!.length} dimensions of ${rank}`);
  const zeros = Array.from({ length: first.dynamic }, () => 0);
  const value = attributes.number("paddingConstantValue", 0);
  if (mode === 0 || mode === 1) {
    const pads = call.integers(...zeros, ...head!, ...zeros, ...foot!);
    const filler = mode === 0 ? numberOf(call.graph, first.value.dtype, value) : undefined;
    return {
      value: call.add("Pad", [first.value, pads, filler], { mode: mode === 0 ? "constant" : "reflect" }),
      dynamic: first.dynamic,
    };
  }
  if (mode !== 2) throw call.unimplemented(`its paddingMode is ${mode}`);
  let padded = first.value;
  for (const [i, before] of head!.entries()) {
    const behind = foot![i]!;
    if (before === 0 && behind === 0) continue;
    const axis = first.dynamic + i;
    const places = mirrored(call.fixedSize(padded, axis), before, behind);
    if (places === undefined) throw call.unimplemented("it mirrors more than there is, or a very long dimension");
    padded = call.add("Gather", [padded, call.integers(...places)], { axis });
  }
  return { value: padded, dynamic: first.dynamic };
};

/** Places of elements, with those at the edges mirrored, the last one too. */
function mirrored(size: number, before: number, behind: number): readonly number[] | undefined {
  if (!(before >= 0 && before <= size && behind >= 0 && behind <= size && size <= MOST_MIRRORED)) return undefined;
  const places = Array.from({ length: size }, (_, i) => i);
  return [...places.slice(0, before).reverse(), ...places, ...places.slice(size - behind).reverse()];
}

/** Rows of the second input, by numbers. */
const gather: Translate = (call) => {
  const [places, reference] = [call.input(0), call.input(1)];
  const rank = staticShape(reference).length;
  const axis = call.attributes.has("axis") ? call.staticAxis(call.attributes.axis("axis"), rank) : 0;
  if (axis !== 0) throw call.unimplemented("it goes along another axis than the last");
  if (reference.dynamic > 0) throw call.unimplemented("it picks from a batch");
  const indices = call.add("Cast", [places.value], { to: elementTypeOf("int64") });
  return { value: call.add("Gather", [reference.value, indices], { axis }), dynamic: places.dynamic };
};

const oneHot: Translate = (call) => {
  const { attributes, first, graph } = call;
  const count = attributes.integer("numClass");
  attributes.ignore("oneHotOutputSparse");
  const rank = staticShape(first).length + 1;
  const axis = first.dynamic + (attributes.has("onehotAxis") ? call.staticAxis(attributes.axis("onehotAxis"), rank) : rank - 1);
  const { dtype } = first.value;
  const places = call.add("Cast", [first.value], { to: elementTypeOf("int64") });
  const truth = call.add(
    "OneHot",
    [places, graph.scalar("int64", count), graph.constant("float32", [2], Float32Array.of(0, 1))],
    { axis },
  );
  return { value: dtype === "float32" ? truth : call.add("Cast", [truth], { to: elementTypeOf(dtype) }), dynamic: first.dynamic };
};

const topK: Translate = (call) => {
  const { attributes, first, graph } = call;
  const count = attributes.integer("numItems");
  const axis = attributes.has("axis") ? call.axisOf(attributes.axis("axis")) : shapeOf(first.value).length - 1;
  const [values, places] = graph.addMany("TopK", [first.value, call.integers(count)], { axis }, 2);
  return [
    { value: values!, dynamic: first.dynamic },
    { value: call.add("Cast", [places], { to: elementTypeOf(first.value.dtype) }), dynamic: first.dynamic },
  ];
};

/** Cuts the first input to the size of the second, in CNTK's first two dimensions. */
const crop: Translate = (call) => {
  const { attributes } = call;
  const [input, like] = [call.input(0), call.input(1)];
  if (!attributes.has("offset"))
    throw call.unimplemented("its offsets are not given: CNTK would find them in the network (crop_automatic)");
  const offsets = attributes.integers("offset");
  const rank = staticShape(input).length;
  if (offsets.length !== 2 || rank < 2) throw damaged(`${call.graph.origin} has ${offsets.length} offsets`);
  let { value } = input;
  for (const [i, offset] of offsets.entries()) {
    const size = call.fixedSize(like.value, shapeOf(like.value).length - 1 - i);
    value = call.add("Slice", [
      value,
      call.integers(offset),
      call.integers(offset + size),
      call.integers(input.dynamic + rank - 1 - i),
    ]);
  }
  return { value, dynamic: input.dynamic };
};

/** The batch becomes a static dimension, the first one of ours. */
const unpackBatch: Translate = (call) => {
  if (call.first.dynamic !== 1) throw call.unimplemented("its input is no batch of tensors");
  return { value: call.first.value, dynamic: 0 };
};

const toBatch: Translate = (call) => {
  if (call.first.dynamic !== 0 || shapeOf(call.first.value).length === 0)
    throw call.unimplemented("its input is a batch already");
  return { value: call.first.value, dynamic: 1 };
};

/** Functions that put elements in other places. */
export const SHAPES: readonly FunctionEntry[] = [
  entry(16, "Reshape", reshape),
  entry(14, "Slice", slice),
  entry(43, "Splice", splice, "not along a sequence or the batch"),
  entry(12, "TransposeAxes", transpose, "of static axes"),
  entry(88, "Squeeze", squeeze),
  entry(83, "Pad", pad, "constant, reflect and symmetric"),
  entry(74, "Gather", gather, "of a constant or parameter"),
  entry(68, "OneHot", oneHot),
  entry(87, "TopK", topK, "of equal elements, the first ones"),
  entry(84, "Crop", crop, "not crop_automatic"),
  entry(79, "UnpackBatch", unpackBatch, "what joins rows then makes them depend on each other: do not batch such a model"),
  entry(80, "ToBatch", toBatch),
];
