import { elementTypeOf } from "../../../graph/element-type.ts";
import type { GraphValue } from "../../../graph/graph-value.ts";
import { ARRAY_TYPES, type NumericArray, type NumericDType } from "../../../tensor/dtype.ts";
import { elementCount } from "../../../tensor/shape.ts";
import type { Call, Translation } from "../call.ts";
import { dtypeOfCode } from "../value-info.ts";

/** Constants up to this many elements are made here, larger ones by the engine. */
const MOST_ELEMENTS = 1 << 16;
/** A file of some bytes may ask for any size. */
const MOST_FILLED = 2 ** 30;

/** A list of numbers as an array of a dtype. */
function arrayOf(call: Call, dtype: NumericDType): NumericArray {
  const { floats, integers } = call.args.raw("values");
  if (integers === undefined) {
    const values = floats ?? new Float32Array(0);
    if (dtype === "float32") return values;
    if (dtype === "float64") return Float64Array.from(values);
    if (values.length === 0) return new ARRAY_TYPES[dtype].array(0);
    throw call.invalid('argument "values" holds no integers');
  }
  if (dtype === "int64") return integers;
  const { array } = ARRAY_TYPES[dtype];
  const result = new array(integers.length) as Exclude<NumericArray, BigInt64Array | BigUint64Array>;
  // The low half of each is all that is left of a number within the type's range.
  const low = new Int32Array(integers.buffer, integers.byteOffset, integers.length * 2);
  for (let i = 0; i < result.length; i++) result[i] = dtype === "bool" ? Number(low[i * 2] !== 0) : low[i * 2]!;
  return result;
}

function shapeArgument(call: Call): readonly number[] {
  const shape = call.args.integers("shape") ?? [];
  if (shape.every((size) => size >= 0)) return shape;
  throw call.invalid(`argument "shape" is [${shape.join(", ")}]`);
}

const given = (dtype: NumericDType): Translation => ({
  translate: (call) => {
    if (call.inputs.length > 0) throw call.unimplemented("a shape as an input is not covered");
    call.refuse("extra_shape");
    const [shape, values] = [shapeArgument(call), arrayOf(call, dtype)];
    const count = elementCount(shape);
    if (values.length !== count)
      throw call.invalid(`shape [${shape.join(", ")}] is of ${count} values, and it has ${values.length}`);
    return call.graph.constant(dtype, shape, values);
  },
});

/** Rounded by the engine, as the framework rounds: to the nearest, to even. */
function givenHalves(call: Call): GraphValue {
  return call.add("Cast", [given("float32").translate(call) as GraphValue], { to: elementTypeOf("float16") });
}

/** Bytes as they are, in one string. */
function givenBytes(call: Call): GraphValue {
  const bytes = call.args.raw("values").texts?.[0] ?? new Uint8Array(0);
  const shape = shapeArgument(call);
  if (bytes.length !== elementCount(shape)) {
    throw call.invalid(`shape [${shape.join(", ")}] is of ${elementCount(shape)} bytes, and it has ${bytes.length}`);
  }
  return call.graph.constant("uint8", shape, Uint8Array.from(bytes));
}

/** Types that a filler may be told to give. */
const FILLED_TYPES = ["float32", "float64", "int32", "int64", "bool", "uint8", "int8", "int16", "uint16"] as const;

/** The dtype that a filler is told to give, a float by default. */
function filledType(call: Call): (typeof FILLED_TYPES)[number] {
  const told = dtypeOfCode(call.args.integer("dtype", 1));
  const dtype = FILLED_TYPES.find((each) => each === told);
  if (dtype === undefined) throw call.unimplemented('the type in argument "dtype" is not covered');
  return dtype;
}

function filled(call: Call): GraphValue {
  const { args, graph } = call;
  const dtype = filledType(call);
  const value = args.float("value", 0);
  if (!Number.isInteger(value) && dtype !== "float32" && dtype !== "float64")
    throw call.invalid(`it fills ${dtype} with ${value}`);
  const one = graph.scalar(dtype, value).constant!;
  const attributes = { value: { dtype, shape: [1], data: one } };
  if (call.inputs.length > 0) {
    const wanted = args.flag("input_as_shape") ? call.asIntegers(call.first) : call.sizesOf(call.first);
    const extra = args.integers("extra_shape");
    const shape = extra?.length ? call.add("Concat", [wanted, graph.integers(extra)], { axis: 0 }) : wanted;
    return call.add("ConstantOfShape", [shape], attributes);
  }
  call.refuse("extra_shape");
  const shape = shapeArgument(call);
  const count = elementCount(shape);
  if (count > MOST_FILLED) throw call.unimplemented(`it fills ${count} elements, more than ${MOST_FILLED}`);
  if (count > MOST_ELEMENTS) return call.add("ConstantOfShape", [graph.integers(shape)], attributes);
  const data = new ARRAY_TYPES[dtype].array(count);
  (data as Float32Array).fill(one[0] as number);
  return graph.constant(dtype, shape, data);
}

function range(call: Call): GraphValue {
  const scalars = call.inputs.map((each) => call.add("Reshape", [each, call.graph.integers([])]));
  const like = call.first;
  const [zero, one] = [call.scalarLike(like, 0), call.scalarLike(like, 1)];
  const [start, stop, step] = scalars.length === 1 ? [zero, scalars[0], one] : [scalars[0], scalars[1], scalars[2] ?? one];
  return call.add("Range", [start, stop, step]);
}

/** Operators that make tensors of their arguments. */
export const FILLING_OPERATORS: Readonly<Record<string, Translation>> = {
  GivenTensorFill: given("float32"),
  GivenTensorDoubleFill: given("float64"),
  GivenTensorIntFill: given("int32"),
  GivenTensorInt16Fill: given("int16"),
  GivenTensorInt64Fill: given("int64"),
  GivenTensorBoolFill: given("bool"),
  GivenTensorFP16Fill: { translate: givenHalves },
  GivenTensorByteStringToUInt8Fill: { translate: givenBytes },
  ConstantFill: { translate: filled, note: "its shape as an argument, or of an input or in it" },
  Range: { translate: range },
};
