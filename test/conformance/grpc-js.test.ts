import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  type ChannelOptions,
  Client,
  type ClientUnaryCall,
  compressionAlgorithms,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { TensorProtoSchema } from "../../src/gen/tensorflow/core/framework/tensor_pb.ts";
import { DataType } from "../../src/gen/tensorflow/core/framework/types_pb.ts";
import {
  PredictRequestSchema,
  type PredictResponse,
  PredictResponseSchema,
} from "../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import { fixture } from "../support/folders.ts";
import { floats, integer, ROUNDS } from "../support/predict.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { interopMessage } from "./interop-messages.ts";
import { type InteropServer, startInteropServer } from "./interop-server.ts";

const PREDICT = "/tensorflow.serving.PredictionService/Predict";
const MIB = 1024 * 1024;

const clients: Client[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function clientOf(port: number, options: ChannelOptions = {}): Client {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": 64 * MIB,
    "grpc.max_send_message_length": 64 * MIB,
    ...options,
  });
  clients.push(client);
  return client;
}

interface Settings {
  readonly metadata?: Metadata;
  readonly deadlineMs?: number;
  readonly onCall?: (call: ClientUnaryCall) => void;
}

function unary<In extends DescMessage, Out extends DescMessage>(
  client: Client,
  path: string,
  [input, output]: readonly [In, Out],
  request: MessageInitShape<In>,
  { metadata = new Metadata(), deadlineMs = 20_000, onCall }: Settings = {},
): Promise<MessageShape<Out>> {
  return new Promise((resolve, reject) => {
    const call = client.makeUnaryRequest(
      path,
      (message: MessageShape<In>) => Buffer.from(toBinary(input, message)),
      (bytes) => fromBinary(output, bytes),
      create(input, request),
      metadata,
      { deadline: Date.now() + deadlineMs },
      (fault, answer) => (fault === null ? resolve(answer!) : reject(fault)),
    );
    onCall?.(call);
  });
}

describe("grpc-js against the built server", () => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await startServer([fixture("identity"), ROUNDS]);
  });

  afterAll(async () => {
    await server?.stop();
  });

  const predict = (
    client: Client,
    name: string,
    inputs: Record<string, MessageInitShape<typeof TensorProtoSchema>>,
    settings?: Settings,
  ): Promise<PredictResponse> =>
    unary(client, PREDICT, [PredictRequestSchema, PredictResponseSchema], { modelSpec: { name }, inputs }, settings);

  const halved = async (client: Client, ...values: number[]) => {
    const { outputs } = await predict(client, "saved_model_half_plus_two_2_versions", { x: floats(...values) });
    return outputs.y!.floatVal;
  };

  test("gets the right answer", async () => {
    expect(await halved(clientOf(server.port), 1, 2, 5)).toEqual([2.5, 3, 4.5]);
  });

  test("50 calls at once, on one connection, get their own answers", async () => {
    const client = clientOf(server.port);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => halved(client, index, 2 * index)));
    expect(answers).toEqual(Array.from({ length: 50 }, (_, index) => [index / 2 + 2, index + 2]));
  });

  test.each<[string, ChannelOptions]>([
    ["plain", {}],
    ["gzip", { "grpc.default_compression_algorithm": compressionAlgorithms.gzip }],
    ["deflate", { "grpc.default_compression_algorithm": compressionAlgorithms.deflate }],
  ])("a tensor of 5 MiB passes both ways (%s)", async (_, options) => {
    const values = Float32Array.from({ length: (5 * MIB) / 4 }, (_, index) => index % 1000);
    const tensor = {
      dtype: DataType.DT_FLOAT,
      tensorShape: { dim: [{ size: BigInt(values.length) }] },
      tensorContent: new Uint8Array(values.buffer),
    };
    const client = clientOf(server.port, options);
    const { outputs } = await predict(client, "saved_model_half_plus_two_2_versions", { x: tensor });
    const { floatVal } = outputs.y!;
    expect(floatVal.length).toBe(values.length);
    expect(floatVal.every((value, index) => value === values[index]! / 2 + 2)).toBe(true);
  });

  test("an error keeps its code and its text", async () => {
    const fault = await predict(clientOf(server.port), "nobody", { x: floats(1) }).catch((reason: ServiceError) => reason);
    expect(fault).toMatchObject({ code: status.NOT_FOUND, details: expect.stringContaining("nobody") });
    const unknown = await unary(
      clientOf(server.port),
      "/tensorflow.serving.PredictionService/Nothing",
      [PredictRequestSchema, PredictResponseSchema] as const,
      {},
    ).catch((reason: ServiceError) => reason);
    expect(unknown).toMatchObject({ code: status.UNIMPLEMENTED });
  });

  test("metadata of any kind is no hindrance", async () => {
    const metadata = new Metadata();
    metadata.add("x-request-id", "a, b");
    metadata.add("x-request-id", "c");
    metadata.add("x-token-bin", Buffer.from([0, 1, 254, 255]));
    const { outputs } = await predict(
      clientOf(server.port),
      "saved_model_half_plus_two_2_versions",
      { x: floats(2) },
      { metadata, deadlineMs: 10_000 },
    );
    expect(outputs.y!.floatVal).toEqual([3]);
  });

  test("a deadline and a cancellation end their call, and nobody else's", async () => {
    const client = clientOf(server.port);
    const long = { x: floats(...Array.from({ length: 16 }, () => 1)), n: integer(200_000) };
    const late = predict(client, "rounds", long, { deadlineMs: 30 }).catch((reason: ServiceError) => reason);
    const cancelled = predict(client, "rounds", long, {
      onCall: (call) => void setImmediate(() => call.cancel()),
    }).catch((reason: ServiceError) => reason);
    expect(await halved(client, 1)).toEqual([2.5]);
    expect(await late).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    expect(await cancelled).toMatchObject({ code: status.CANCELLED });
    expect(await halved(client, 4)).toEqual([4]);
  });
});

describe("grpc-js against the test service", () => {
  const SIMPLE = [interopMessage("SimpleRequest"), interopMessage("SimpleResponse")] as const;
  const INPUT = interopMessage("StreamingInputCallRequest");
  const AGGREGATED = interopMessage("StreamingInputCallResponse");
  const OUTPUT = [interopMessage("StreamingOutputCallRequest"), interopMessage("StreamingOutputCallResponse")] as const;
  const GZIP: ChannelOptions = { "grpc.default_compression_algorithm": compressionAlgorithms.gzip };
  const UNARY = "/grpc.testing.TestService/UnaryCall";
  const LARGE_REQUEST = 271_828;
  const LARGE_ANSWER = 314_159;
  let server: InteropServer;

  beforeAll(async () => {
    server = await startInteropServer();
  });

  afterAll(async () => {
    await server?.close();
  });

  const large = (expectCompressed: boolean, responseCompressed: boolean) => ({
    payload: { type: 0, body: new Uint8Array(LARGE_REQUEST) },
    responseSize: LARGE_ANSWER,
    expectCompressed: { value: expectCompressed },
    responseCompressed: { value: responseCompressed },
  });

  test("client_compressed_unary: the server knows whether a message came compressed", async () => {
    const probe = await unary(clientOf(server.port), UNARY, SIMPLE, large(true, false)).catch((reason: ServiceError) => reason);
    expect(probe).toMatchObject({ code: status.INVALID_ARGUMENT });
    const zipped = await unary(clientOf(server.port, GZIP), UNARY, SIMPLE, large(true, false));
    const plain = await unary(clientOf(server.port), UNARY, SIMPLE, large(false, false));
    expect([zipped.payload!.body.length, plain.payload!.body.length]).toEqual([LARGE_ANSWER, LARGE_ANSWER]);
  });

  test("server_compressed_unary: an answer is compressed when it is asked for", async () => {
    const client = clientOf(server.port);
    for (const wanted of [true, false]) {
      const { payload } = await unary(client, UNARY, SIMPLE, large(false, wanted));
      expect(payload!.body.length).toBe(LARGE_ANSWER);
    }
  });

  test("client_compressed_streaming: every message says for itself whether it is compressed", async () => {
    const total = await new Promise<number>((resolve, reject) => {
      const call = clientOf(server.port, GZIP).makeClientStreamRequest(
        "/grpc.testing.TestService/StreamingInputCall",
        (message: MessageShape<typeof INPUT>) => Buffer.from(toBinary(INPUT, message)),
        (bytes) => fromBinary(AGGREGATED, bytes),
        new Metadata(),
        {},
        (fault, answer) => (fault === null ? resolve(answer!.aggregatedPayloadSize) : reject(fault)),
      );
      for (const size of [27_182, 45_904]) {
        call.write(create(INPUT, { payload: { type: 0, body: new Uint8Array(size) }, expectCompressed: { value: true } }));
      }
      call.end();
    });
    expect(total).toBe(73_086);
  });

  test("server_compressed_streaming: answers are compressed one by one", async () => {
    const call = clientOf(server.port).makeServerStreamRequest(
      "/grpc.testing.TestService/StreamingOutputCall",
      (message: MessageShape<(typeof OUTPUT)[0]>) => Buffer.from(toBinary(OUTPUT[0], message)),
      (bytes) => fromBinary(OUTPUT[1], bytes),
      create(OUTPUT[0], {
        responseParameters: [
          { size: 31_415, intervalUs: 0, compressed: { value: true } },
          { size: 92_653, intervalUs: 0, compressed: { value: false } },
        ],
      }),
      new Metadata(),
      {},
    );
    const sizes: number[] = [];
    for await (const answer of call) sizes.push((answer as MessageShape<(typeof OUTPUT)[1]>).payload!.body.length);
    expect(sizes).toEqual([31_415, 92_653]);
  });

  test("custom_metadata: text in the head, bytes in the trailers", async () => {
    const metadata = new Metadata();
    metadata.set("x-grpc-test-echo-initial", "test_initial_metadata_value");
    metadata.set("x-grpc-test-echo-trailing-bin", Buffer.from([0x0a, 0x0b, 0x0a, 0x0b, 0x0a, 0x0b, 0xff]));
    let head: Metadata | undefined;
    const trailers = new Promise<Metadata>((resolve) => {
      const onCall = (call: ClientUnaryCall) => {
        call.on("metadata", (received: Metadata) => (head = received));
        call.on("status", (ended) => resolve(ended.metadata));
      };
      void unary(clientOf(server.port), UNARY, SIMPLE, { responseSize: 1 }, { metadata, onCall }).catch(() => undefined);
    });
    expect((await trailers).get("x-grpc-test-echo-trailing-bin")).toEqual([Buffer.from("0a0b0a0b0a0bff", "hex")]);
    expect(head!.get("x-grpc-test-echo-initial")).toEqual(["test_initial_metadata_value"]);
  });

  test.each(["\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n", " blanks at both ends ", "100 %"])(
    "special_status_message: %j",
    async (message) => {
      const fault = await unary(clientOf(server.port), UNARY, SIMPLE, { responseStatus: { code: 2, message } }).catch(
        (reason: ServiceError) => reason,
      );
      expect(fault).toMatchObject({ code: status.UNKNOWN, details: message });
    },
  );
});
