import koffi from "koffi";
import { ServingError } from "../../base/serving-error.ts";
import { dataTypeNumber } from "../../codec/data-type.ts";
import { encodeTensorProto } from "../../codec/tensor-proto-plan.ts";
import { elementCount } from "../../tensor/shape.ts";
import type { NumericTensor, Tensor } from "../../tensor/tensor.ts";
import type { Pointer } from "../native-calls.ts";
import type { TensorFlowLibrary } from "./library.ts";
import { failureOf } from "./status.ts";

/** TensorFlow's limit on the number of dimensions. */
const MAX_RANK = 254;

/** Above it protobuf, which counts in 32 bits, ends the process. */
const MOST_PROTO_BYTES = 2 ** 31 - 1;

/** `TF_FLOAT`; what a tensor is before it takes another's place. */
const FLOAT = 1;

const sizes = new BigInt64Array(new ArrayBuffer(MAX_RANK * 8));
const NO_ELEMENTS = new BigInt64Array(new ArrayBuffer(8));

/** A `TF_Buffer`: address, length, and a deallocator that is not there. Read by the call that is given it and never kept. */
const proto = new BigUint64Array(new ArrayBuffer(24));

/**
 * A `TF_Tensor *` with a copy of the elements, the caller's to delete. A copy, because a graph may keep its input: an assignment to a
 * variable shares it.
 * @throws ServingError resource-exhausted when there is no room for it, or its strings take 2 GiB; invalid-argument for a shape that
 * cannot be.
 */
export function nativeTensor(library: TensorFlowLibrary, tensor: Tensor): Pointer {
  // Strings only this way: their memory must be TensorFlow's own.
  return tensor.dtype === "string" ? tensorFromProto(library, encodeTensorProto(tensor)) : numericTensor(library, tensor);
}

function numericTensor(library: TensorFlowLibrary, { dtype, shape, data }: NumericTensor): Pointer {
  const { api } = library;
  const rank = shape.length;
  if (rank > MAX_RANK) throw new ServingError("invalid-argument", `a tensor has more than ${MAX_RANK} dimensions`);
  // TensorFlow ends the process for a shape that it cannot count, and a batch may make one of requests' shapes that could be.
  elementCount(shape);
  for (let i = 0; i < rank; i++) sizes[i] = BigInt(shape[i]!);
  const { byteLength } = data;
  const native = api.allocateTensor(dataTypeNumber(dtype), sizes, rank, byteLength);
  if (native === null) throw noRoom(byteLength);
  if (byteLength === 0) return native;
  const target = api.tensorData(native);
  if (target === null) {
    api.deleteTensor(native);
    throw noRoom(byteLength);
  }
  library.copyTo(target, data, byteLength);
  return native;
}

/**
 * A `TF_Tensor *` of what a serialized `tensorflow.TensorProto` says, the caller's to delete.
 * @throws ServingError with TensorFlow's code when the bytes are no tensor; resource-exhausted for 2 GiB and more.
 */
export function tensorFromProto({ api, status }: TensorFlowLibrary, bytes: Uint8Array): Pointer {
  if (bytes.length > MOST_PROTO_BYTES) {
    throw new ServingError(
      "resource-exhausted",
      `a tensor of ${bytes.length} bytes as a message has more than 2 GiB: send fewer at once`,
    );
  }
  const native = api.allocateTensor(FLOAT, NO_ELEMENTS, 1, 0);
  if (native === null) throw noRoom(bytes.length);
  // Not undefined while the call runs: it is used again below.
  proto[0] = koffi.address(bytes);
  proto[1] = BigInt(bytes.length);
  api.tensorFromProto(proto, native, status);
  const failure = failureOf(api, status);
  if (failure === undefined) return native;
  api.deleteTensor(native);
  throw new ServingError(failure.code, `a tensor of ${bytes.length} bytes is not one: ${failure.message}`);
}

function noRoom(bytes: number): ServingError {
  return new ServingError("resource-exhausted", `no room for a tensor of ${bytes} bytes`);
}
