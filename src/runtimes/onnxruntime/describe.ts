import koffi from "koffi";
import { ServingError } from "../../base/serving-error.ts";
import type { DType } from "../../tensor/dtype.ts";
import type { NativeFunction, Pointer } from "../native-calls.ts";
import { dtypeOf, elementTypeName } from "./element-type.ts";
import type { OnnxLibrary } from "./library.ts";
import type { ModelValue, ModelValues, TensorType, ValueType } from "./model-values.ts";
import { expectSuccess } from "./status.ts";

/** `ONNXType` of onnxruntime_c_api.h, by number. */
const KINDS = ["unknown", "tensor", "sequence", "map", "opaque", "sparse tensor", "optional"] as const;

/**
 * Reads a session's inputs, overridable initializers (as optional inputs, after the others) and outputs.
 * @throws ServingError unimplemented, naming the input or output, for a type that cannot be served.
 */
export function describeSession(library: OnnxLibrary, session: Pointer): ModelValues {
  const { api } = library;
  return {
    inputs: [
      ...list(library, session, api.sessionGetInputCount, api.sessionGetInputName, api.sessionGetInputTypeInfo).map((entry) =>
        input(entry, false),
      ),
      ...list(
        library,
        session,
        api.sessionGetOverridableInitializerCount,
        api.sessionGetOverridableInitializerName,
        api.sessionGetOverridableInitializerTypeInfo,
      ).map((entry) => input(entry, true)),
    ],
    outputs: list(library, session, api.sessionGetOutputCount, api.sessionGetOutputName, api.sessionGetOutputTypeInfo).map(
      ({ name, type }) => {
        if (typeof type === "string") throw refused("output", name, type);
        return { name, type, optional: false };
      },
    ),
  };
}

interface Entry {
  readonly name: string;
  /** The type, or how an unsupported one is called. */
  readonly type: ValueType | string;
}

type Call = NativeFunction<Pointer | null>;

function list(library: OnnxLibrary, session: Pointer, count: Call, nameOf: Call, typeOf: Call): Entry[] {
  const { api, result, allocator } = library;
  expectSuccess(api, count(session, result));
  return Array.from({ length: Number(result[0]) }, (_, index) => {
    expectSuccess(api, nameOf(session, index, allocator, result));
    const text = result[0];
    const name = koffi.decode.string(text);
    expectSuccess(api, api.allocatorFree(allocator, text));
    expectSuccess(api, typeOf(session, index, result));
    return { name, type: withTypeInfo(library, result[0], (info) => valueType(library, info)) };
  });
}

function input({ name, type }: Entry, optional: boolean): ModelValue<TensorType> {
  if (typeof type === "string") throw refused("input", name, type);
  if (type.kind !== "tensor") throw refused("input", name, type.kind.startsWith("map") ? "a map" : "a sequence");
  return { name, type, optional };
}

function refused(role: "input" | "output", name: string, type: string): ServingError {
  return new ServingError("unimplemented", `${role} "${name}" is ${type}, which cannot be served`);
}

function withTypeInfo<R>(library: OnnxLibrary, info: Pointer, use: (info: Pointer) => R): R {
  try {
    return use(info);
  } finally {
    library.api.releaseTypeInfo(info);
  }
}

function valueType(library: OnnxLibrary, info: Pointer): ValueType | string {
  const { api, result, integer } = library;
  expectSuccess(api, api.getOnnxTypeFromTypeInfo(info, result));
  const kind = KINDS[integer[0]] ?? "unknown";
  switch (kind) {
    case "tensor":
      expectSuccess(api, api.castTypeInfoToTensorInfo(info, result));
      return tensorType(library, result[0]);
    case "map":
      return mapType(library, info);
    case "sequence": {
      expectSuccess(api, api.castTypeInfoToSequenceTypeInfo(info, result));
      expectSuccess(api, api.getSequenceElementType(result[0], result));
      const element = withTypeInfo(library, result[0], (inner) => valueType(library, inner));
      if (typeof element === "string") return `a sequence of ${element}`;
      if (element.kind === "tensor") return { kind: "sequence", element };
      if (element.kind === "map") return { ...element, kind: "map-sequence" };
      return "a sequence of sequences";
    }
    case "unknown":
      return "of an unknown type";
    case "opaque":
    case "optional":
    case "sparse tensor":
      return `${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind}`;
  }
}

function mapType(library: OnnxLibrary, info: Pointer): ValueType | string {
  const { api, result, integer } = library;
  expectSuccess(api, api.castTypeInfoToMapTypeInfo(info, result));
  const map = result[0];
  expectSuccess(api, api.getMapKeyType(map, result));
  const keyType = integer[0];
  const key = dtypeOf(keyType);
  expectSuccess(api, api.getMapValueType(map, result));
  const value = withTypeInfo(library, result[0], (inner) => valueType(library, inner));
  if (key === undefined) return `a map with keys of ${elementTypeName(keyType)}`;
  if (typeof value === "string") return `a map of ${value}`;
  if (value.kind !== "tensor") return `a map of ${value.kind}s`;
  return { kind: "map", key, value: value.dtype };
}

function tensorType(library: OnnxLibrary, info: Pointer): TensorType | string {
  const { api, result, integer } = library;
  expectSuccess(api, api.getTensorElementType(info, result));
  const dtype: DType | undefined = dtypeOf(integer[0]);
  if (dtype === undefined) return `a tensor of ${elementTypeName(integer[0])}`;
  expectSuccess(api, api.getDimensionsCount(info, result));
  const rank = Number(result[0]);
  // Before 1.24 the library cannot tell a scalar from a tensor of unknown rank; "any" then lets both pass.
  const known = rank > 0 || (api.hasShape?.(info) ?? false);
  if (!known) return { kind: "tensor", dtype, shape: undefined };
  if (rank === 0) return { kind: "tensor", dtype, shape: [] };
  const sizes = new BigInt64Array(new ArrayBuffer(rank * 8));
  expectSuccess(api, api.getDimensions(info, sizes, rank));
  const names = new BigUint64Array(new ArrayBuffer(rank * 8));
  expectSuccess(api, api.getSymbolicDimensions(info, names, rank));
  const dimensionNames = Array.from(names, (name) => (name === 0n ? "" : koffi.decode.string(name)));
  const shape = Array.from(sizes, (size) => (size < 0n ? -1 : Number(size)));
  return { kind: "tensor", dtype, shape, ...(dimensionNames.some((name) => name !== "") ? { dimensionNames } : {}) };
}
