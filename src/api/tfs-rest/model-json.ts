import { type JsonObject, toJson } from "@bufbuild/protobuf";
import { statusName } from "../../base/status-code.ts";
import { signatureDefMap } from "../../codec/signature-def.ts";
import { SignatureDefMapSchema } from "../../gen/tensorflow_serving/apis/get_model_metadata_pb.ts";
import type { VersionStatus } from "../../serving/version-status.ts";
import type { Signatures } from "../../tensor/signature.ts";

const encoder = new TextEncoder();

/** GetModelStatusResponse as TensorFlow Serving prints it: one-blank indent, versions as strings, a newline at the end. */
export function statusJson(statuses: readonly VersionStatus[]): Uint8Array {
  return print({
    model_version_status: statuses.map(({ version, state, error }) => ({
      version: String(version),
      state,
      status: { error_code: statusName(error?.code ?? "ok"), error_message: error?.message ?? "" },
    })),
  });
}

/** GetModelMetadataResponse as TensorFlow Serving prints it, every default field included. */
export function metadataJson(model: string, version: bigint, signatures: Signatures): Uint8Array {
  const map = toJson(SignatureDefMapSchema, signatureDefMap(signatures), { alwaysEmitImplicit: true, useProtoFieldName: true });
  return print({ model_spec: { name: model, signature_name: "", version: String(version) }, metadata: { signature_def: map } });
}

function print(value: JsonObject): Uint8Array {
  return encoder.encode(`${JSON.stringify(value, null, 1)}\n`);
}
