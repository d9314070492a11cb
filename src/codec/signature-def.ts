import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { type SignatureDef, SignatureDefSchema, type TensorInfoSchema } from "../gen/tensorflow/core/protobuf/meta_graph_pb.ts";
import { type SignatureDefMap, SignatureDefMapSchema } from "../gen/tensorflow_serving/apis/get_model_metadata_pb.ts";
import { ownInputs } from "../tensor/own-inputs.ts";
import type { Signature, Signatures, TensorInfo } from "../tensor/signature.ts";
import { dataTypeNumber } from "./data-type.ts";

/** Signatures as `tensorflow.serving.SignatureDefMap`: what has a definition as that has it, sparse tensors, defaults and all. */
export function signatureDefMap(signatures: Signatures): SignatureDefMap {
  const signatureDef = byName([...signatures].map(([name, signature]) => [name, signatureDefOf(signature)]));
  return create(SignatureDefMapSchema, { signatureDef });
}

function signatureDefOf({ inputs, outputs, methodName, definition }: Signature): SignatureDef {
  if (definition !== undefined) return fromBinary(SignatureDefSchema, definition);
  return create(SignatureDefSchema, { inputs: tensorInfos(ownInputs(inputs)), outputs: tensorInfos(outputs), methodName });
}

function tensorInfos(infos: readonly TensorInfo[]): Record<string, MessageInitShape<typeof TensorInfoSchema>> {
  return byName(infos.map((info) => [info.alias, tensorInfo(info)]));
}

function tensorInfo({ name, dtype, shape, dimensionNames = [] }: TensorInfo): MessageInitShape<typeof TensorInfoSchema> {
  const dim = shape?.map((size, i) => ({ size: BigInt(size), name: dimensionNames[i] ?? "" }));
  return {
    encoding: { case: "name", value: name },
    dtype: dataTypeNumber(dtype),
    tensorShape: dim === undefined ? { unknownRank: true } : { dim },
  };
}

/** Names are the model's: on an object with a prototype `__proto__` would be lost. */
function byName<Value>(entries: readonly (readonly [string, Value])[]): Record<string, Value> {
  const record: Record<string, Value> = Object.create(null);
  for (const [name, value] of entries) record[name] = value;
  return record;
}
