import { toJson } from "@bufbuild/protobuf";
import { signatureDefMap } from "../../codec/signature-def.ts";
import { SignatureDefMapSchema } from "../../gen/tensorflow_serving/apis/get_model_metadata_pb.ts";
import type { Signatures } from "../../tensor/signature.ts";
import { printJson } from "./print-json.ts";

/** GetModelMetadataResponse as TensorFlow Serving prints it, every default field included. */
export function metadataJson(model: string, version: bigint, signatures: Signatures): Uint8Array {
  const map = toJson(SignatureDefMapSchema, signatureDefMap(signatures), { alwaysEmitImplicit: true, useProtoFieldName: true });
  return printJson({
    model_spec: { name: model, signature_name: "", version: String(version) },
    metadata: { signature_def: map },
  });
}
