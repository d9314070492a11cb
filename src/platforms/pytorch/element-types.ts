import type { NumericDType } from "../../tensor/dtype.ts";

/** `ScalarType` of torch.export's schema: one more than the number that C++ gives it. */
const DTYPES: ReadonlyMap<number, NumericDType> = new Map<number, NumericDType>([
  [1, "uint8"],
  [2, "int8"],
  [3, "int16"],
  [4, "int32"],
  [5, "int64"],
  [6, "float16"],
  [7, "float32"],
  [8, "float64"],
  [12, "bool"],
  [13, "bfloat16"],
  [28, "uint16"],
]);

const FLOATS: readonly NumericDType[] = ["float16", "bfloat16", "float32", "float64"];
const INTEGERS: readonly NumericDType[] = ["uint8", "int8", "int16", "int32", "int64"];

/** The dtype with a number of the schema's; undefined for one that tensors here do not have. */
export function dtypeOfScalarType(number: number): NumericDType | undefined {
  return DTYPES.get(number);
}

/** Whether it is a type of floats. */
export function isFloating(dtype: string): boolean {
  return (FLOATS as readonly string[]).includes(dtype);
}

/** The type in which torch compares and computes two, by its rules of promotion. */
export function promoted(a: NumericDType, b: NumericDType): NumericDType {
  if (a === b) return a;
  if (isFloating(a) !== isFloating(b)) return isFloating(a) ? a : b;
  if (isFloating(a)) return a === "float64" || b === "float64" ? "float64" : "float32";
  if (a === "bool" || b === "bool") return a === "bool" ? b : a;
  const [small, large] = INTEGERS.indexOf(a) < INTEGERS.indexOf(b) ? [a, b] : [b, a];
  return small === "uint8" && large === "int8" ? "int16" : large;
}
