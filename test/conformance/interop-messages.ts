import { create, createFileRegistry, type Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";

/** The messages of `grpc.testing.TestService`, by the field numbers that gRPC's interoperability tests publish. */
interface Messages {
  readonly BoolValue: { value: boolean };
  readonly Payload: { type: number; body: Uint8Array };
  readonly EchoStatus: { code: number; message: string };
  readonly SimpleRequest: {
    responseSize: number;
    payload?: Messages["Payload"];
    fillServerId: boolean;
    responseCompressed?: Messages["BoolValue"];
    responseStatus?: Messages["EchoStatus"];
    expectCompressed?: Messages["BoolValue"];
  };
  readonly SimpleResponse: { payload?: Messages["Payload"]; serverId: string };
  readonly StreamingInputCallRequest: { payload?: Messages["Payload"]; expectCompressed?: Messages["BoolValue"] };
  readonly StreamingInputCallResponse: { aggregatedPayloadSize: number };
  readonly ResponseParameters: { size: number; intervalUs: number; compressed?: Messages["BoolValue"] };
  readonly StreamingOutputCallRequest: {
    responseParameters: Messages["ResponseParameters"][];
    payload?: Messages["Payload"];
    responseStatus?: Messages["EchoStatus"];
  };
  readonly StreamingOutputCallResponse: { payload?: Messages["Payload"] };
}

type Name = keyof Messages;
type FieldType = "bool" | "int32" | "bytes" | "string" | Name | readonly [Name];

/** Number and type of each field; a type in brackets is repeated. Enumerations travel like `int32`. */
const FIELDS: Readonly<Record<Name, Readonly<Record<string, readonly [number: number, type: FieldType]>>>> = {
  BoolValue: { value: [1, "bool"] },
  Payload: { type: [1, "int32"], body: [2, "bytes"] },
  EchoStatus: { code: [1, "int32"], message: [2, "string"] },
  SimpleRequest: {
    response_type: [1, "int32"],
    response_size: [2, "int32"],
    payload: [3, "Payload"],
    fill_username: [4, "bool"],
    fill_oauth_scope: [5, "bool"],
    response_compressed: [6, "BoolValue"],
    response_status: [7, "EchoStatus"],
    expect_compressed: [8, "BoolValue"],
    fill_server_id: [9, "bool"],
  },
  SimpleResponse: { payload: [1, "Payload"], username: [2, "string"], oauth_scope: [3, "string"], server_id: [4, "string"] },
  StreamingInputCallRequest: { payload: [1, "Payload"], expect_compressed: [2, "BoolValue"] },
  StreamingInputCallResponse: { aggregated_payload_size: [1, "int32"] },
  ResponseParameters: { size: [1, "int32"], interval_us: [2, "int32"], compressed: [3, "BoolValue"] },
  StreamingOutputCallRequest: {
    response_type: [1, "int32"],
    response_parameters: [2, ["ResponseParameters"]],
    payload: [3, "Payload"],
    response_status: [7, "EchoStatus"],
  },
  StreamingOutputCallResponse: { payload: [1, "Payload"] },
};

const SCALARS = new Map<FieldType, Type>([
  ["bool", Type.BOOL],
  ["int32", Type.INT32],
  ["bytes", Type.BYTES],
  ["string", Type.STRING],
]);

function field(name: string, number: number, type: FieldType) {
  const repeated = typeof type === "object";
  const scalar = SCALARS.get(type);
  return {
    name,
    number,
    label: repeated ? Label.REPEATED : Label.OPTIONAL,
    ...(scalar === undefined
      ? { type: Type.MESSAGE, typeName: `.grpc.testing.${repeated ? type[0] : String(type)}` }
      : { type: scalar }),
  };
}

const file = create(FileDescriptorProtoSchema, {
  name: "messages.proto",
  package: "grpc.testing",
  syntax: "proto3",
  messageType: Object.entries(FIELDS).map(([name, fields]) => ({
    name,
    field: Object.entries(fields).map(([fieldName, [number, type]]) => field(fieldName, number, type)),
  })),
});
const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] }));

/** What describes a message of `grpc.testing`. */
export function interopMessage<N extends Name>(name: N): GenMessage<Message<`grpc.testing.${N}`> & Messages[N]> {
  return registry.getMessage(`grpc.testing.${name}`) as GenMessage<Message<`grpc.testing.${N}`> & Messages[N]>;
}
