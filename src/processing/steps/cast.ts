import { ServingError } from "../../base/serving-error.ts";
import { toBfloat16Bits, toFloat16Bits } from "../../codec/json/half.ts";
import type { Overflow, Rounding } from "../../model/processing.ts";
import type { NumericArray } from "../../tensor/dtype.ts";
import type { NumericTensor } from "../../tensor/tensor.ts";
import { integerRange, isBig, isFloat, newArray, numbersOf, type RealDType, realType } from "../numbers.ts";
import { type Planner, unaryPlan } from "../step.ts";

/** How numbers become those of another type. */
export interface CastRules {
  readonly rounding: Rounding;
  readonly overflow: Overflow;
}

/** Largest finite number of each float type. */
const LARGEST: Readonly<Record<string, number>> = {
  float16: 65_504,
  bfloat16: 2 ** 127 * (2 - 2 ** -7),
  float32: 2 ** 127 * (2 - 2 ** -23),
  float64: Number.MAX_VALUE,
};

/** Types whose every number the other type has. */
const WIDER: ReadonlyMap<RealDType, ReadonlySet<RealDType>> = new Map<RealDType, ReadonlySet<RealDType>>([
  ["float64", new Set<RealDType>(["float32", "int8", "int16", "int32", "uint8", "uint16", "uint32", "bool"])],
  ["float32", new Set<RealDType>(["int8", "int16", "int32", "uint8", "uint16", "uint32", "bool"])],
  ["int32", new Set<RealDType>(["int8", "int16", "uint8", "uint16", "bool"])],
  ["uint32", new Set<RealDType>(["uint8", "uint16", "bool"])],
  ["int16", new Set<RealDType>(["int8", "uint8", "bool"])],
  ["uint16", new Set<RealDType>(["uint8", "bool"])],
  ["uint8", new Set<RealDType>(["bool"])],
  ["int8", new Set<RealDType>(["bool"])],
]);

/** Numbers as those of another type. */
export const planCast: Planner<"cast"> = ({ input, output, to, rounding = "truncate", overflow = "refuse" }, scope) => {
  const source = scope.read(input);
  const target = realType(to);
  realType(source.dtype);
  const rules = { rounding, overflow };
  const info = { ...source, dtype: target };
  return unaryPlan(source, output, info, (tensor) => castTensor(tensor as NumericTensor, target, rules));
};

/** @throws ServingError invalid-argument, naming the element, for a number that the type does not have and the rules refuse. */
export function castTensor(tensor: NumericTensor, to: RealDType, rules: CastRules): NumericTensor {
  return tensor.dtype === to ? tensor : { dtype: to, shape: tensor.shape, data: castArray(tensor, to, rules) };
}

function castArray(tensor: NumericTensor, to: RealDType, rules: CastRules): NumericArray {
  const from = tensor.dtype as RealDType;
  const count = tensor.data.length;
  const made = newArray(to, count);
  if (to === "bool") {
    // No 64-bit integer but 0 becomes 0 in a double, and NaN is not 0.
    const numbers = numbersOf(tensor);
    for (let i = 0; i < count; i++) made[i] = numbers[i] === 0 ? 0 : 1;
  } else if (WIDER.get(to)?.has(from)) (made as Float32Array).set(tensor.data as Float32Array);
  else if (isFloat(to)) toFloats(tensor, to, made as Float32Array, rules);
  else toIntegers(tensor, to, made, rules);
  return made;
}

/** To the nearest float, ties to even. */
function toFloats(tensor: NumericTensor, to: RealDType, made: NumericArray, { overflow }: CastRules): void {
  const numbers = numbersOf(tensor);
  const largest = LARGEST[to]!;
  const bits = to === "float16" ? toFloat16Bits : to === "bfloat16" ? toBfloat16Bits : undefined;
  const infinity = bits?.(Infinity);
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]!;
    const packed = bits === undefined ? (to === "float32" ? Math.fround(number) : number) : bits(number);
    made[i] = packed;
    const infinite = infinity === undefined ? Math.abs(packed) === Infinity : (packed & 0x7fff) === infinity;
    if (!infinite || Math.abs(number) === Infinity) continue;
    if (overflow === "refuse") throw outOfRange(number, to, i);
    made[i] = bits === undefined ? Math.sign(number) * largest : bits(Math.sign(number) * largest);
  }
}

function toIntegers(tensor: NumericTensor, to: RealDType, made: NumericArray, rules: CastRules): void {
  const [least, most] = integerRange(to);
  const refuses = rules.overflow === "refuse";
  const big = isBig(to);
  if (isBig(tensor.dtype)) {
    const { data } = tensor;
    for (let i = 0; i < data.length; i++) {
      let number = data[i] as bigint;
      if (number < least || number > most) {
        if (refuses) throw outOfRange(number, to, i);
        number = number < least ? least : most;
      }
      made[i] = big ? number : Number(number);
    }
    return;
  }
  const numbers = numbersOf(tensor);
  const round = ROUND[rules.rounding];
  // The first double above the range; the largest of 64 bits is not a double.
  const [low, above] = [Number(least), Number(most + 1n)];
  for (let i = 0; i < numbers.length; i++) {
    const number = round(numbers[i]!);
    if (number >= low && number < above) made[i] = big ? BigInt(number) : number;
    else if (refuses || Number.isNaN(number)) throw outOfRange(numbers[i]!, to, i);
    else {
      const bound = number < low ? least : most;
      made[i] = big ? bound : Number(bound);
    }
  }
}

const ROUND: Readonly<Record<Rounding, (number: number) => number>> = {
  truncate: Math.trunc,
  floor: Math.floor,
  ceil: Math.ceil,
  nearest: roundHalfEven,
};

/** The nearest whole number, ties to even. */
export function roundHalfEven(number: number): number {
  const below = Math.floor(number);
  const rest = number - below;
  const up = rest > 0.5 || (rest === 0.5 && below % 2 !== 0);
  // What is rounded to 0 keeps its sign.
  return up ? below + 1 || -0 : below;
}

function outOfRange(number: number | bigint, to: string, index: number): ServingError {
  const what = Number.isNaN(number) ? "there is no NaN in" : "it is out of the range of";
  return new ServingError("invalid-argument", `element ${index} is ${number}: ${what} ${to}`);
}
