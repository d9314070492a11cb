import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { ServingError, type StatusCode } from "../../src/base/serving-error.ts";
import { STATUS_CODES } from "../../src/base/status-code.ts";
import { decodeBinaryMetadata, encodeBinaryMetadata } from "../../src/transport/grpc/metadata.ts";
import type { GrpcCall, GrpcMethod, StreamingMethod, UnaryMethod } from "../../src/transport/grpc/method.ts";
import { interopMessage } from "./interop-messages.ts";

const SimpleRequest = interopMessage("SimpleRequest");
const SimpleResponse = interopMessage("SimpleResponse");
const StreamingInputCallRequest = interopMessage("StreamingInputCallRequest");
const StreamingInputCallResponse = interopMessage("StreamingInputCallResponse");
const StreamingOutputCallRequest = interopMessage("StreamingOutputCallRequest");
const StreamingOutputCallResponse = interopMessage("StreamingOutputCallResponse");

const ECHO_INITIAL = "x-grpc-test-echo-initial";
const ECHO_TRAILING = "x-grpc-test-echo-trailing-bin";

function echoMetadata(call: GrpcCall): void {
  const initial = call.metadata(ECHO_INITIAL);
  if (initial !== undefined) call.addHeader(ECHO_INITIAL, initial);
  const trailing = call.metadata(ECHO_TRAILING);
  if (trailing === undefined) return;
  for (const value of decodeBinaryMetadata(trailing)) call.addTrailer(ECHO_TRAILING, encodeBinaryMetadata(value));
}

/** The code of a number that is not 0. */
function codeOf(number: number): StatusCode {
  const code = STATUS_CODES[number];
  return code === undefined || code === "ok" ? "unknown" : code;
}

function throwStatus(status: { readonly code: number; readonly message: string } | undefined): void {
  if (status === undefined || status.code === 0) return;
  throw new ServingError(codeOf(status.code), status.message);
}

/** A client says whether it compressed a message: a server that cannot tell, or lost the message on its way, fails here. */
function checkCompressed(expected: { readonly value: boolean } | undefined, call: GrpcCall): void {
  if (expected === undefined || expected.value === call.messageCompressed) return;
  throw new ServingError("invalid-argument", `the message is ${call.messageCompressed ? "" : "not "}compressed`);
}

function payload(size: number) {
  return { type: 0, body: new Uint8Array(size) };
}

function encoded<Desc extends DescMessage>(schema: Desc, message: MessageInitShape<Desc>): Uint8Array {
  return toBinary(schema, create(schema, message));
}

/** Waits as long as a request asks for, and no longer than the call lives. */
function pause(microseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const gone = () => {
      clearTimeout(timer);
      reject(ServingError.from(signal.reason));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", gone);
      resolve();
    }, microseconds / 1000);
    signal.addEventListener("abort", gone, { once: true });
  });
}

const emptyCall: UnaryMethod = {
  kind: "unary",
  run(_, call) {
    echoMetadata(call);
    return new Uint8Array(0);
  },
};

const unaryCall: UnaryMethod = {
  kind: "unary",
  run(message, call) {
    echoMetadata(call);
    const request = fromBinary(SimpleRequest, message);
    checkCompressed(request.expectCompressed, call);
    throwStatus(request.responseStatus);
    call.compressAnswers(request.responseCompressed?.value === true);
    return encoded(SimpleResponse, {
      payload: payload(request.responseSize),
      serverId: request.fillServerId ? "modelport" : "",
    });
  },
};

const streamingInputCall: StreamingMethod = {
  kind: "streaming",
  async run(messages, send, call) {
    echoMetadata(call);
    let size = 0;
    for await (const message of messages) {
      const request = fromBinary(StreamingInputCallRequest, message);
      checkCompressed(request.expectCompressed, call);
      size += request.payload?.body.length ?? 0;
    }
    await send(encoded(StreamingInputCallResponse, { aggregatedPayloadSize: size }));
  },
};

async function answer(message: Uint8Array, send: (message: Uint8Array) => Promise<void>, call: GrpcCall): Promise<void> {
  const request = fromBinary(StreamingOutputCallRequest, message);
  throwStatus(request.responseStatus);
  for (const { size, intervalUs, compressed } of request.responseParameters) {
    if (intervalUs > 0) await pause(intervalUs, call.signal);
    call.compressAnswers(compressed?.value === true);
    await send(encoded(StreamingOutputCallResponse, { payload: payload(size) }));
  }
}

/** Answers each request as it comes: `StreamingOutputCall` gets one, `FullDuplexCall` many. */
const answering: StreamingMethod = {
  kind: "streaming",
  async run(messages, send, call) {
    echoMetadata(call);
    for await (const message of messages) await answer(message, send, call);
  },
};

const halfDuplexCall: StreamingMethod = {
  kind: "streaming",
  async run(messages, send, call) {
    echoMetadata(call);
    const requests: Uint8Array[] = [];
    for await (const message of messages) requests.push(Uint8Array.from(message));
    for (const message of requests) await answer(message, send, call);
  },
};

/** `grpc.testing.TestService`, with `UnimplementedCall` left out as the tests want it. */
export const interopMethods: ReadonlyMap<string, GrpcMethod> = new Map<string, GrpcMethod>([
  ["/grpc.testing.TestService/EmptyCall", emptyCall],
  ["/grpc.testing.TestService/UnaryCall", unaryCall],
  ["/grpc.testing.TestService/CacheableUnaryCall", unaryCall],
  ["/grpc.testing.TestService/StreamingInputCall", streamingInputCall],
  ["/grpc.testing.TestService/StreamingOutputCall", answering],
  ["/grpc.testing.TestService/FullDuplexCall", answering],
  ["/grpc.testing.TestService/HalfDuplexCall", halfDuplexCall],
]);
