import { bodyData } from "../body-data.ts";
import type { ClientProgram } from "../client-program.ts";
import { comment, joinLines } from "../escapes.ts";
import { grpcRequest } from "../grpc-request.ts";
import { predictDescriptor } from "../predict-messages.ts";
import { grpcProgramHead } from "../program-head.ts";
import { PYTHON_DATA, pythonString } from "./python-literal.ts";

/** Python with grpcio and the few messages of a prediction, so that TensorFlow need not be installed. */
export function pythonGrpc(program: ClientProgram): string {
  const { authentication, grpcAddress, grpcTls } = program;
  return joinLines(
    comment("#", grpcProgramHead(program, "pip install grpcio 'protobuf>=4.22'")),
    authentication === "basic" && "import base64",
    "import os",
    "import sys",
    "",
    "import grpc",
    "from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory, text_format",
    "",
    `server = os.environ.get("MODELPORT_GRPC", ${pythonString(grpcAddress)})`,
    `request = ${bodyData(grpcRequest(program, "list"), PYTHON_DATA)}`,
    "",
    "# What a prediction takes of TensorFlow Serving's messages.",
    `MESSAGES = """\n${predictDescriptor()}\n"""`,
    "pool = descriptor_pool.DescriptorPool()",
    "pool.Add(text_format.Parse(MESSAGES, descriptor_pb2.FileDescriptorProto()))",
    "",
    MESSAGE,
    grpcTls ? SECURE : "channel = grpc.insecure_channel(server)",
    "predict = channel.unary_unary(",
    '    "/tensorflow.serving.PredictionService/Predict",',
    '    request_serializer=message("PredictRequest").SerializeToString,',
    '    response_deserializer=message("PredictResponse").FromString,',
    ")",
    "metadata = []",
    authentication === "basic" && BASIC,
    authentication === "bearer" && 'metadata.append(("authorization", "Bearer " + os.environ.get("MODELPORT_TOKEN", "")))',
    ANSWER,
  );
}

const MESSAGE = `
def message(name):
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.serving." + name))

`;

const SECURE = `\
authority = os.environ.get("MODELPORT_CA")
trusted = open(authority, "rb").read() if authority else None
channel = grpc.secure_channel(server, grpc.ssl_channel_credentials(trusted))`;

const BASIC = `\
credentials = os.environ.get("MODELPORT_USER", "") + ":" + os.environ.get("MODELPORT_PASSWORD", "")
metadata.append(("authorization", "Basic " + base64.b64encode(credentials.encode()).decode()))`;

const ANSWER = `\
try:
    answer = predict(json_format.ParseDict(request, message("PredictRequest")()), timeout=60, metadata=metadata)
except grpc.RpcError as error:
    sys.exit(f"{error.code().name}: {error.details()}")
print(json_format.MessageToJson(answer))`;
