import { ServingError } from "../base/serving-error.ts";
import type { DType } from "../tensor/dtype.ts";
import { ownInputs } from "../tensor/own-inputs.ts";
import { DEFAULT_SIGNATURE, type TensorInfo } from "../tensor/signature.ts";
import { MISSING_TEXT } from "../tensor/string-array.ts";
import type { ClientProgram } from "./client-program.ts";
import { entriesOf, type JsonTree, printJson } from "./json-tree.ts";

/** TensorFlow's name of a type, the field of TensorProto that its elements are in, and how JSON has an element there. */
type Elements = readonly [type: string, field: string, form: "number" | "text" | "base64" | "half" | "bfloat16"];

const ELEMENTS: Readonly<Partial<Record<DType, Elements>>> = {
  float32: ["DT_FLOAT", "float_val", "number"],
  float64: ["DT_DOUBLE", "double_val", "number"],
  float16: ["DT_HALF", "half_val", "half"],
  bfloat16: ["DT_BFLOAT16", "half_val", "bfloat16"],
  int8: ["DT_INT8", "int_val", "number"],
  int16: ["DT_INT16", "int_val", "number"],
  int32: ["DT_INT32", "int_val", "number"],
  int64: ["DT_INT64", "int64_val", "text"],
  uint8: ["DT_UINT8", "int_val", "number"],
  uint16: ["DT_UINT16", "int_val", "number"],
  uint32: ["DT_UINT32", "uint32_val", "number"],
  uint64: ["DT_UINT64", "uint64_val", "text"],
  bool: ["DT_BOOL", "bool_val", "number"],
  string: ["DT_STRING", "string_val", "base64"],
};

/** What a missing text is over gRPC. */
const MISSING_BASE64 = Buffer.from(MISSING_TEXT).toString("base64");

/**
 * The example as a PredictRequest in protobuf's JSON. Inputs are a list of key and value, as the messages of the programs have them, or the map
 * that TensorFlow Serving's own messages have.
 *
 * Throws ServingError failed-precondition for an example whose inputs are not the signature's.
 */
export function grpcRequest(program: ClientProgram, inputs: "list" | "map"): JsonTree {
  const { model, version, signatureName, signature, body } = program;
  const columns = exampleColumns(body, signature.inputs).map(([info, value]) => [info.alias, tensor(info, value)] as const);
  const versionValue: JsonTree = text(String(version));
  const spec: (readonly [string, JsonTree])[] = [["name", text(model)]];
  if (version !== undefined) spec.push(["version", inputs === "map" ? versionValue : object([["value", versionValue]])]);
  if (signatureName !== DEFAULT_SIGNATURE) spec.push(["signature_name", text(signatureName)]);
  const list = columns.map(([key, value]) =>
    object([
      ["key", text(key)],
      ["value", value],
    ]),
  );
  return object([
    ["model_spec", object(spec)],
    ["inputs", inputs === "map" ? object(columns) : { kind: "list", items: list }],
  ]);
}

/** The inputs of a REST body by column: rows are transposed. */
function exampleColumns(body: JsonTree, inputs: readonly TensorInfo[]): readonly (readonly [TensorInfo, JsonTree])[] {
  const entries = entriesOf(body);
  const columns = entries.get("inputs");
  const rows = entries.get("instances");
  const own = ownInputs(inputs);
  const only = own.length === 1 ? own[0] : undefined;
  if (columns !== undefined) {
    const named = inputs.flatMap((info) => {
      const value = entriesOf(columns).get(info.alias);
      return value === undefined ? [] : [[info, value] as const];
    });
    if (columns.kind === "object" && named.length === columns.entries.length) return named;
    if (only !== undefined) return [[only, columns]];
  } else if (rows?.kind === "filled" && only !== undefined) return [[only, rows]];
  else if (rows?.kind === "list") {
    const byName = rows.items.map(entriesOf);
    const named = inputs.flatMap((info) => {
      const items = byName.flatMap((row) => row.get(info.alias) ?? []);
      return items.length === rows.items.length && items.length > 0 ? [[info, { kind: "list", items }] as const] : [];
    });
    if (named.length > 0) return named;
    if (only !== undefined) return [[only, rows]];
  }
  throw new ServingError("failed-precondition", "the example request of the model cannot be sent over gRPC: choose rest");
}

function tensor({ alias, dtype }: TensorInfo, value: JsonTree): JsonTree {
  const [type, field, form] = ELEMENTS[dtype] ?? [];
  if (type === undefined || field === undefined || form === undefined) {
    throw new ServingError("failed-precondition", `input "${alias}" is ${dtype}, which no client is generated for`);
  }
  const sizes: number[] = [];
  const items = elements(value, 0, sizes).map((element) => formed(element, form));
  return object([
    ["dtype", text(type)],
    ["tensor_shape", object([["dim", { kind: "list", items: sizes.map((size) => object([["size", text(String(size))]])) }]])],
    [field, { kind: "list", items }],
  ]);
}

/** The elements in order, and the sizes of the lists they are in; of a filled list one element, which TensorProto repeats. */
function elements(value: JsonTree, depth: number, sizes: number[]): readonly JsonTree[] {
  if (value.kind === "filled" && depth === 0) {
    sizes.push(...value.sizes);
    return [value.element];
  }
  const list: JsonTree =
    value.kind === "filled"
      ? {
          kind: "list",
          items: Array<JsonTree>(value.sizes[0]).fill(
            value.sizes.length > 1 ? { ...value, sizes: value.sizes.slice(1) } : value.element,
          ),
        }
      : value;
  if (list.kind !== "list") return [list];
  sizes[depth] ??= list.items.length;
  return list.items.flatMap((item) => elements(item, depth + 1, sizes));
}

function formed(element: JsonTree, form: Elements[2]): JsonTree {
  if (element.kind === "literal" && element.text === "null") return text(form === "base64" ? MISSING_BASE64 : "NaN");
  if (form === "base64") {
    const encoded = entriesOf(element).get("b64");
    if (encoded?.kind === "string") return encoded;
    return text(Buffer.from(element.kind === "string" ? element.value : printJson(element), "utf8").toString("base64"));
  }
  if (form === "text") return text(printJson(element));
  if (form === "number" || element.kind !== "literal") return element;
  return literal(String(form === "half" ? halfBits(Number(element.text)) : bfloat16Bits(Number(element.text))));
}

/** The bits of the float32 nearest to a number, of which bfloat16 has the upper half, rounded to even. */
function bfloat16Bits(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0];
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** The bits of the nearest float16, a tie going to the even one. */
function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(Math.floor(Math.log2(size || 1e-9)), -14);
  const scaled = size / 2 ** (exponent - 10);
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const rounded = floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0);
  return sign | (rounded + ((exponent + 14) << 10));
}

function text(value: string): JsonTree {
  return { kind: "string", value };
}

function literal(value: string): JsonTree {
  return { kind: "literal", text: value };
}

function object(entries: readonly (readonly [string, JsonTree])[]): JsonTree {
  return { kind: "object", entries };
}
