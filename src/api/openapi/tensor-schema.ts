import type { DType } from "../../tensor/dtype.ts";
import type { TensorInfo } from "../../tensor/signature.ts";
import { type JsonObject, ref } from "./json.ts";

/** Whether a value is sent to the server or comes from it. */
export type Direction = "request" | "answer";

const ELEMENTS: Readonly<Record<Exclude<DType, "string">, JsonObject | undefined>> = {
  float32: { type: "number", format: "float" },
  float64: { type: "number", format: "double" },
  float16: { type: "number" },
  bfloat16: { type: "number" },
  int8: integer(-(2 ** 7), 2 ** 7 - 1),
  int16: integer(-(2 ** 15), 2 ** 15 - 1),
  int32: { ...integer(-(2 ** 31), 2 ** 31 - 1), format: "int32" },
  // The ends of these ranges are no doubles; the formats tell them.
  int64: { type: "integer", format: "int64" },
  uint8: integer(0, 2 ** 8 - 1),
  uint16: integer(0, 2 ** 16 - 1),
  uint32: integer(0, 2 ** 32 - 1),
  uint64: { type: "integer", format: "uint64", minimum: 0 },
  bool: { type: "boolean" },
  complex64: undefined,
  complex128: undefined,
};

/** The types that have a value for what is missing. */
const FLOATS: ReadonlySet<DType> = new Set(["float32", "float64", "float16", "bfloat16"]);

/** A text that may be missing, which may be sent as the number that it looks like. */
const ORDINARY_TEXT: JsonObject = { anyOf: [ref("schemas", "Text"), { type: ["number", "boolean", "null"] }] };

/** Whether JSON has a form of a type's elements. */
export function hasJsonForm(dtype: DType): boolean {
  return dtype === "string" || ELEMENTS[dtype] !== undefined;
}

/**
 * The JSON Schema of a tensor: lists in lists, as many as it has dimensions, of so many items where a size is fixed; of one whose rank is
 * not known any value. `skip` leading dimensions are left out, which a tensor without that many must not be asked for. The type must have
 * a form in JSON.
 */
export function tensorSchema(info: TensorInfo, direction: Direction, skip = 0): JsonObject {
  const { shape, dtype } = info;
  if (shape === undefined) return { description: `${dtype} of any shape` };
  let schema = elementSchema(info, direction);
  for (let dimension = shape.length - 1; dimension >= skip; dimension--) {
    schema = { type: "array", items: schema, ...count(shape[dimension]!) };
  }
  return "$ref" in schema ? schema : { description: describe(info, skip), ...schema };
}

/** How many items a dimension has, where that is fixed. */
export function count(size: number): JsonObject {
  return size < 0 ? {} : { minItems: size, maxItems: size };
}

function elementSchema({ alias, dtype, nullable }: TensorInfo, direction: Direction): JsonObject {
  if (dtype !== "string") return nullable === true && FLOATS.has(dtype) ? orNull(ELEMENTS[dtype] ?? {}) : (ELEMENTS[dtype] ?? {});
  if (direction === "request") return nullable === true ? ORDINARY_TEXT : ref("schemas", "Text");
  if (alias.endsWith("_bytes")) return ref("schemas", "Base64");
  return nullable === true ? { type: ["string", "null"] } : { type: "string" };
}

function orNull({ type, ...rest }: JsonObject): JsonObject {
  return { type: [type as string, "null"], ...rest };
}

/** `float32 [batch, 64]`; a size that is free and has no name is -1. */
function describe({ dtype, shape = [], dimensionNames = [] }: TensorInfo, skip: number): string {
  const sizes = shape.map((size, i) => (size < 0 && dimensionNames[i]) || size);
  return skip === shape.length ? dtype : `${dtype} [${sizes.slice(skip).join(", ")}]`;
}

function integer(minimum: number, maximum: number): JsonObject {
  return { type: "integer", minimum, maximum };
}
