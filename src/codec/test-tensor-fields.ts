import type { TensorProto } from "../gen/tensorflow/core/framework/tensor_pb.ts";

/** For tests: the values of one typed field, by its number, as the generated code has them. */
export function typedField(message: TensorProto, field: number): readonly (number | bigint | boolean | Uint8Array)[] {
  const fields: Readonly<Record<number, readonly (number | bigint | boolean | Uint8Array)[]>> = {
    5: message.floatVal,
    6: message.doubleVal,
    7: message.intVal,
    8: message.stringVal,
    9: message.scomplexVal,
    10: message.int64Val,
    11: message.boolVal,
    12: message.dcomplexVal,
    13: message.halfVal,
    16: message.uint32Val,
    17: message.uint64Val,
  };
  return fields[field]!;
}
