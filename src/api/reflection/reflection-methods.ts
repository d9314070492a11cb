import { create, type DescService, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { ServingError } from "../../base/serving-error.ts";
import {
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import type { GrpcMethod } from "../../transport/grpc/method.ts";
import { DescriptorIndex } from "./descriptor-index.ts";

type Answer = MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"];

// Numbers of gRPC's status codes.
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;

/**
 * `grpc.reflection.v1.ServerReflection` and its v1alpha by path, telling of `services` and of itself. The two versions
 * differ only in their package: one pair of messages reads and writes both.
 */
export function reflectionMethods(services: readonly DescService[]): Map<string, GrpcMethod> {
  let index: DescriptorIndex | undefined;
  const method: GrpcMethod = {
    kind: "streaming",
    async run(messages, send) {
      // Made when someone asks: most servers are never asked.
      index ??= new DescriptorIndex([...services, ServerReflection, ServerReflectionAlpha]);
      for await (const message of messages) await send(respond(index, message));
    },
  };
  return new Map(
    [ServerReflection, ServerReflectionAlpha].map((service) => [`/${service.typeName}/ServerReflectionInfo`, method]),
  );
}

function respond(index: DescriptorIndex, message: Uint8Array): Uint8Array {
  const request = parse(message);
  const response = create(ServerReflectionResponseSchema, {
    validHost: request.host,
    originalRequest: request,
    messageResponse: answer(index, request),
  });
  return toBinary(ServerReflectionResponseSchema, response);
}

function answer(index: DescriptorIndex, { messageRequest: asked }: ServerReflectionRequest): Answer {
  switch (asked.case) {
    case "listServices":
      return { case: "listServicesResponse", value: { service: index.services.map((name) => ({ name })) } };
    case "fileByFilename":
      return files(index.file(asked.value), `no file "${asked.value}"`);
    case "fileContainingSymbol":
      return files(index.fileOfSymbol(asked.value), `no symbol "${asked.value}"`);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = asked.value;
      return files(
        index.fileOfExtension(containingType, extensionNumber),
        `no extension ${extensionNumber} of "${containingType}"`,
      );
    }
    case "allExtensionNumbersOfType": {
      const extensionNumber = index.extensionNumbers(asked.value);
      if (extensionNumber === undefined) return failure(NOT_FOUND, `no message "${asked.value}"`);
      return { case: "allExtensionNumbersResponse", value: { baseTypeName: asked.value, extensionNumber: [...extensionNumber] } };
    }
    case undefined:
      return failure(INVALID_ARGUMENT, "the request asks for nothing that this server knows of");
  }
}

function files(found: readonly Uint8Array[] | undefined, notFound: string): Answer {
  if (found === undefined) return failure(NOT_FOUND, notFound);
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto: [...found] } };
}

function failure(errorCode: number, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}

function parse(message: Uint8Array): ServerReflectionRequest {
  try {
    return fromBinary(ServerReflectionRequestSchema, message);
  } catch (cause) {
    throw new ServingError("invalid-argument", "the message is not a ServerReflectionRequest", { cause });
  }
}
