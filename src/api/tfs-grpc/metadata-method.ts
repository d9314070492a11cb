import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { ServingError } from "../../base/serving-error.ts";
import { signatureDefMap } from "../../codec/signature-def.ts";
import {
  GetModelMetadataRequestSchema,
  GetModelMetadataResponseSchema,
  SignatureDefMapSchema,
} from "../../gen/tensorflow_serving/apis/get_model_metadata_pb.ts";
import type { ServingTable } from "../../serving/serving-table.ts";
import { withServable } from "../../serving/with-servable.ts";
import type { GrpcMethod } from "../../transport/grpc/method.ts";
import { fromMessage, toMessage } from "./model-spec-message.ts";

/** `GetModelMetadata` of `tensorflow.serving.PredictionService`, by path. */
export function metadataMethods(table: ServingTable): Map<string, GrpcMethod> {
  const run = (message: Uint8Array) => metadata(table, message);
  return new Map([["/tensorflow.serving.PredictionService/GetModelMetadata", { kind: "unary", run }]]);
}

function metadata(table: ServingTable, message: Uint8Array): Uint8Array | Promise<Uint8Array> {
  const request = parse(message);
  const spec = fromMessage(request.modelSpec);
  if (request.metadataField.length === 0) {
    throw new ServingError("invalid-argument", "GetModelMetadataRequest must specify at least one metadata_field");
  }
  const unknown = request.metadataField.find((field) => field !== "signature_def");
  if (unknown !== undefined) throw new ServingError("invalid-argument", `Metadata field ${unknown} is not supported`);
  return withServable(table, spec, ({ id, servable }) => {
    const map = signatureDefMap(servable.signatures);
    const response = create(GetModelMetadataResponseSchema, {
      modelSpec: toMessage(spec.name, id.version),
      metadata: { signature_def: anyPack(SignatureDefMapSchema, map) },
    });
    return toBinary(GetModelMetadataResponseSchema, response);
  });
}

function parse(message: Uint8Array) {
  try {
    return fromBinary(GetModelMetadataRequestSchema, message);
  } catch (cause) {
    throw new ServingError("invalid-argument", "the message is not a GetModelMetadataRequest", { cause });
  }
}
