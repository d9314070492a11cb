import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TensorProtoSchema } from "../../src/gen/tensorflow/core/framework/tensor_pb.ts";
import { DataType } from "../../src/gen/tensorflow/core/framework/types_pb.ts";
import { ClassificationRequestSchema } from "../../src/gen/tensorflow_serving/apis/classification_pb.ts";
import { GetModelMetadataRequestSchema } from "../../src/gen/tensorflow_serving/apis/get_model_metadata_pb.ts";
import { MultiInferenceRequestSchema } from "../../src/gen/tensorflow_serving/apis/inference_pb.ts";
import type { InputSchema } from "../../src/gen/tensorflow_serving/apis/input_pb.ts";
import type { ModelSpecSchema } from "../../src/gen/tensorflow_serving/apis/model_pb.ts";
import { PredictRequestSchema } from "../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import { RegressionRequestSchema } from "../../src/gen/tensorflow_serving/apis/regression_pb.ts";
import { SessionRunRequestSchema } from "../../src/gen/tensorflow_serving/apis/session_service_pb.ts";
import { fixture, temporaryFolder } from "../support/folders.ts";
import { GrpcClient, type GrpcStatus } from "../support/grpc-client.ts";
import { floats } from "../support/predict.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { LIBRARY, NO_LIBRARY } from "../support/tensorflow.ts";

const OK = 0;
const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const FAILED_PRECONDITION = 9;
const UNIMPLEMENTED = 12;
const INTERNAL = 13;

const MODELS: Readonly<Record<string, readonly string[]>> = {
  half: ["tf2_two_versions"],
  affine: ["tf2_multi_signature"],
  keras: ["tf2_keras_mlp"],
  examples: ["tf1_classify_regress"],
  defaults: ["reading", "default_inputs"],
  odd: ["cases", "cr_odd"],
};

type Spec = MessageInitShape<typeof ModelSpecSchema>;
type Tensor = MessageInitShape<typeof TensorProtoSchema>;
type Row = readonly [what: string, code: number, message: string | RegExp, ask: () => Promise<GrpcStatus>];

let client: GrpcClient;

const call = async (method: string, message: Uint8Array, service = "PredictionService") =>
  (await client.raw(`/tensorflow.serving.${service}/${method}`, message)).status;

const predict = (modelSpec: Spec | undefined, inputs: Record<string, Tensor> = {}, ...outputFilter: string[]) =>
  call("Predict", toBinary(PredictRequestSchema, create(PredictRequestSchema, { modelSpec, inputs, outputFilter })));

const inputOf = (count: number): MessageInitShape<typeof InputSchema> => ({
  kind: { case: "exampleList", value: { examples: Array.from({ length: count }, () => ({})) } },
});

const classify = (modelSpec: Spec | undefined, count = 1) =>
  call(
    "Classify",
    toBinary(ClassificationRequestSchema, create(ClassificationRequestSchema, { modelSpec, input: inputOf(count) })),
  );

const regress = (modelSpec: Spec | undefined, count = 1) =>
  call("Regress", toBinary(RegressionRequestSchema, create(RegressionRequestSchema, { modelSpec, input: inputOf(count) })));

const CLASSIFY = "tensorflow/serving/classify";
const REGRESS = "tensorflow/serving/regress";

const infer = (tasks: readonly (readonly [name: string, signatureName: string, methodName: string])[], count = 1) => {
  const messages = tasks.map(([name, signatureName, methodName]) => ({ modelSpec: { name, signatureName }, methodName }));
  const request = create(MultiInferenceRequestSchema, { tasks: messages, input: inputOf(count) });
  return call("MultiInference", toBinary(MultiInferenceRequestSchema, request));
};

const metadata = (modelSpec: Spec | undefined, ...metadataField: string[]) =>
  call(
    "GetModelMetadata",
    toBinary(GetModelMetadataRequestSchema, create(GetModelMetadataRequestSchema, { modelSpec, metadataField })),
  );

const session = (request: MessageInitShape<typeof SessionRunRequestSchema>) =>
  call("SessionRun", toBinary(SessionRunRequestSchema, create(SessionRunRequestSchema, request)), "SessionService");

const version = (name: string, value: bigint): Spec => ({ name, versionChoice: { case: "version", value: { value } } });
const label = (name: string, value: string): Spec => ({ name, versionChoice: { case: "versionLabel", value } });
const strings = (...values: string[]): Tensor => ({
  dtype: DataType.DT_STRING,
  tensorShape: { dim: [{ size: BigInt(values.length) }] },
  stringVal: values.map((value) => Buffer.from(value)),
});
const shaped = (...sizes: bigint[]): Tensor => ({
  dtype: DataType.DT_FLOAT,
  tensorShape: { dim: sizes.map((size) => ({ size })) },
  floatVal: [1, 2],
});
const x = floats(1, 2);

const SPEC: readonly Row[] = [
  ["Predict without a spec", INVALID_ARGUMENT, "Missing ModelSpec", () => predict(undefined)],
  ["Classify without a spec", INVALID_ARGUMENT, "Missing ModelSpec", () => classify(undefined)],
  ["Regress without a spec", INVALID_ARGUMENT, "Missing ModelSpec", () => regress(undefined)],
  ["GetModelMetadata without a spec", INVALID_ARGUMENT, "Missing ModelSpec", () => metadata(undefined, "signature_def")],
  ["an empty name", INVALID_ARGUMENT, "ModelSpec has no name specified.", () => predict({ name: "" }, { x })],
  [
    "a label that is none",
    INVALID_ARGUMENT,
    "Unrecognized servable version label: new",
    () => predict(label("half", "new"), { x }),
  ],
  [
    "a label of no model",
    INVALID_ARGUMENT,
    "Unrecognized servable version label: new",
    () => predict(label("none", "new"), { x }),
  ],
  ["an unknown model", NOT_FOUND, "Servable not found for request: Latest(none)", () => predict({ name: "none" }, { x })],
  [
    "an unknown version",
    NOT_FOUND,
    "Servable not found for request: Specific(half, 0)",
    () => predict(version("half", 0n), { x }),
  ],
];

const PREDICT: readonly Row[] = [
  [
    "an unknown signature",
    FAILED_PRECONDITION,
    'Serving signature key "other" not found.',
    () => predict({ name: "half", signatureName: "other" }, { x }),
  ],
  [
    "an input too few",
    INVALID_ARGUMENT,
    "input size does not match signature: 1!=2 len({x}) != len({bias,x}). Sent extra: {}. Missing but required: {bias}.",
    () => predict({ name: "affine" }, { x }),
  ],
  [
    "an input too many",
    INVALID_ARGUMENT,
    "input size does not match signature: 2!=1 len({x,y}) != len({x}). Sent extra: {y}. Missing but required: {}.",
    () => predict({ name: "half" }, { x, y: x }),
  ],
  [
    "an input too many beside a default",
    INVALID_ARGUMENT,
    /^input size does not match signature: 3!=2 len\(\{a,x,y\}\) != len\(\{a,x\}\)\. Sent extra: \{y\}\./,
    () => predict({ name: "defaults" }, { x, a: x, y: x }),
  ],
  [
    "an input of another name",
    INVALID_ARGUMENT,
    /^Signature input alias: x\(feed name: serving_default_x:0\) not found in request and no default value provided\. Inputs expected to be in the request \{x\}/,
    () => predict({ name: "half" }, { y: x }),
  ],
  [
    "an input without a default beside one that has one",
    INVALID_ARGUMENT,
    /^Signature input alias: x\(feed name: x:0\) not found in request and no default value provided\./,
    () => predict({ name: "defaults" }, { a: floats(1) }),
  ],
  [
    "a tensor of a negative size",
    INVALID_ARGUMENT,
    "tensor parsing error: x",
    () => predict({ name: "half" }, { x: { dtype: DataType.DT_FLOAT, tensorShape: { dim: [{ size: -1n }] } } }),
  ],
  [
    "a tensor with content of another size",
    INVALID_ARGUMENT,
    "tensor parsing error: x",
    () =>
      predict(
        { name: "half" },
        { x: { dtype: DataType.DT_FLOAT, tensorShape: { dim: [{ size: 2n }] }, tensorContent: new Uint8Array(7) } },
      ),
  ],
  [
    "another dtype",
    INVALID_ARGUMENT,
    "Expects arg[0] to be float but string is provided",
    () => predict({ name: "half" }, { x: strings("a") }),
  ],
  [
    "another dtype for a graph of TensorFlow 1",
    INVALID_ARGUMENT,
    "Expects arg[0] to be float but string is provided",
    () => predict({ name: "examples" }, { x: strings("a") }),
  ],
  [
    "a shape that a kernel refuses",
    INVALID_ARGUMENT,
    /Matrix size-incompatible: In\[0\]: \[1,2\], In\[1\]: \[8,16\]/,
    () => predict({ name: "keras" }, { features: shaped(1n, 2n) }),
  ],
  ["a shape that only the signature does not have", OK, "", () => predict({ name: "half" }, { x: shaped() })],
  [
    "Examples that are none",
    INVALID_ARGUMENT,
    /^Could not parse example input, value: 'nonsense'/,
    () => predict({ name: "examples", signatureName: "classify" }, { inputs: strings("nonsense") }),
  ],
  [
    "an unknown output",
    INVALID_ARGUMENT,
    "output tensor alias not found in signature: z Outputs expected to be in the set {version,y}.",
    () => predict({ name: "half" }, { x }, "z"),
  ],
  ["an output twice", INVALID_ARGUMENT, "duplicate output tensor alias: y", () => predict({ name: "half" }, { x }, "y", "y")],
];

const NAMED = { classify: "classification", regress: "regression" } as const;

const EXAMPLES: readonly Row[] = [
  ...([classify, regress] as const).flatMap((ask, index): Row[] => {
    const kind = index === 0 ? "classify" : "regress";
    return [
      [
        `${kind}: an unknown signature`,
        INVALID_ARGUMENT,
        "No signature was found with the name: other",
        () => ask({ name: "examples", signatureName: "other" }),
      ],
      [
        `${kind}: no examples`,
        INVALID_ARGUMENT,
        "Input is empty.",
        () => ask({ name: "examples", signatureName: index === 0 ? "classify" : "regress_x_to_y" }, 0),
      ],
      [
        `${kind}: a default signature of predict's`,
        INVALID_ARGUMENT,
        new RegExp(`^No ${NAMED[kind]} inputs found in SignatureDef: `),
        () => ask({ name: "examples" }),
      ],
      [`${kind}: two inputs`, INVALID_ARGUMENT, "Expected one input Tensor.", () => ask({ name: "affine" })],
      [
        `${kind}: a feature that the graph needs`,
        INVALID_ARGUMENT,
        /Feature: x \(data type: float\) is required but could not be found\./,
        () => ask({ name: "examples", signatureName: index === 0 ? "classify" : "regress_x_to_y" }),
      ],
    ];
  }),
  ...(
    [
      ["three outputs", classify, "three", "Expected one or two output Tensors, found 3"],
      ["another input", classify, "other_input", /^No classification inputs found in SignatureDef: /],
      ["no classes and no scores", classify, "rank_3", /^Expected classification signature outputs to contain /],
      ["a vector", classify, "rank_1", "Expected Tensor shape: [batch_size num_classes] but got [1]"],
      ["scores of int32", classify, "scores_of_int32", "Expected scores Tensor of DT_FLOAT. Got: DT_INT32"],
      ["classes of float", classify, "classes_of_float", "Expected classes Tensor of DT_STRING. Got: DT_FLOAT"],
      ["more scores than classes", classify, "widths", "Tensors class and score should match in dim_size(1). Got 2 vs. 3"],
      ["two outputs", regress, "two_outputs", "Expected one output Tensor."],
      ["no outputs of that name", regress, "rank_1", /^No regression outputs found in SignatureDef: /],
      [
        "a tensor of rank 3",
        regress,
        "rank_3",
        "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got [1,1,1]",
      ],
      [
        "two columns",
        regress,
        "two_columns",
        "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got [1,2]",
      ],
      ["double", regress, "double", "Expected output Tensor of DT_FLOAT.  Got: DT_DOUBLE"],
    ] as const
  ).map(
    ([what, ask, signatureName, message]): Row => [what, INVALID_ARGUMENT, message, () => ask({ name: "odd", signatureName })],
  ),
  [
    "fewer rows than examples",
    INVALID_ARGUMENT,
    "Expected classes output batch size of 3. Got: 2",
    () => classify({ name: "fixed" }, 3),
  ],
  [
    "more values than examples",
    INVALID_ARGUMENT,
    "Input batch size did not match output batch size: 1 vs. 3",
    () => regress({ name: "fixed_values" }, 1),
  ],
];

const MULTI: readonly Row[] = [
  ["no task", INVALID_ARGUMENT, "ModelSpec has no name specified.", () => infer([])],
  ["no name", INVALID_ARGUMENT, "ModelSpec has no name specified.", () => infer([["", "classify", CLASSIFY]])],
  [
    "no name in the second task",
    INVALID_ARGUMENT,
    "Found ModelSpec with an empty model name.",
    () =>
      infer([
        ["examples", "classify", CLASSIFY],
        ["", "regress_x_to_y", REGRESS],
      ]),
  ],
  [
    "two models",
    INVALID_ARGUMENT,
    "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
    () =>
      infer([
        ["examples", "classify", CLASSIFY],
        ["half", "regress_x_to_y", REGRESS],
      ]),
  ],
  [
    "a signature twice",
    INVALID_ARGUMENT,
    "Duplicate evaluation of signature: classify",
    () =>
      infer([
        ["examples", "classify", CLASSIFY],
        ["examples", "classify", CLASSIFY],
      ]),
  ],
  [
    "an unknown signature",
    INVALID_ARGUMENT,
    "Requested signature not found in model graph: other",
    () => infer([["examples", "other", CLASSIFY]]),
  ],
  [
    "a method that predicts",
    UNIMPLEMENTED,
    "Unsupported signature method_name: tensorflow/serving/predict",
    () => infer([["examples", "classify", "tensorflow/serving/predict"]]),
  ],
  ["no examples", INVALID_ARGUMENT, "Input is empty.", () => infer([["examples", "classify", CLASSIFY]], 0)],
  ["an unknown model", NOT_FOUND, "Servable not found for request: Latest(none)", () => infer([["none", "classify", CLASSIFY]])],
  [
    "a result that is none, beside one that is good",
    INVALID_ARGUMENT,
    "Expected scores Tensor of DT_FLOAT. Got: DT_INT32",
    () =>
      infer([
        ["odd", "scores_of_int32", CLASSIFY],
        ["odd", "widths", CLASSIFY],
      ]),
  ],
];

const METADATA: readonly Row[] = [
  [
    "no field",
    INVALID_ARGUMENT,
    "GetModelMetadataRequest must specify at least one metadata_field",
    () => metadata({ name: "none" }),
  ],
  ["another field", INVALID_ARGUMENT, "Metadata field other is not supported", () => metadata({ name: "none" }, "other")],
  [
    "an unknown model",
    NOT_FOUND,
    "Servable not found for request: Latest(none)",
    () => metadata({ name: "none" }, "signature_def"),
  ],
];

const modelSpec = { name: "examples" };
const fed = { name: "x:0", tensor: x };
const SESSION: readonly Row[] = [
  ["no spec", INVALID_ARGUMENT, "Missing ModelSpec", () => session({ fetch: ["y:0"] })],
  ["an unknown fetch", NOT_FOUND, /nowhere/, () => session({ modelSpec, feed: [fed], fetch: ["nowhere:0"] })],
  ["an unknown target", NOT_FOUND, /nowhere/, () => session({ modelSpec, feed: [fed], target: ["nowhere"] })],
  [
    "an unknown feed",
    NOT_FOUND,
    /nowhere/,
    () => session({ modelSpec, feed: [{ name: "nowhere:0", tensor: x }], fetch: ["y:0"] }),
  ],
  [
    "a feed twice",
    INVALID_ARGUMENT,
    'Endpoint "x:0" fed more than once.',
    () => session({ modelSpec, feed: [fed, fed], fetch: ["y:0"] }),
  ],
  [
    "a placeholder that is not fed",
    INVALID_ARGUMENT,
    /^You must feed a value for placeholder tensor 'tf_example' with dtype string/,
    () => session({ modelSpec, fetch: ["y:0"] }),
  ],
  [
    "a time limit that is over",
    DEADLINE_EXCEEDED,
    /\d+ ms/,
    () =>
      session({
        modelSpec: { name: "loop" },
        feed: [{ name: "n", tensor: { dtype: DataType.DT_INT32, tensorShape: {}, intVal: [2_000_000_000] } }],
        fetch: ["n"],
        tensorNameIsAlias: true,
        options: { timeoutInMs: 50n },
      }),
  ],
];

const CHECKED: readonly Row[] = [
  [
    "Predict on a method of nobody's",
    INTERNAL,
    /^Expected prediction signature method_name to be one of \{.*\}.* elsewhere$/,
    () => predict({ name: "odd", signatureName: "no_method" }, { inputs: strings("a") }),
  ],
  [
    "Classify on a signature that regresses",
    INVALID_ARGUMENT,
    `Expected classification signature method_name to be ${CLASSIFY}. Was: ${REGRESS}`,
    () => classify({ name: "examples", signatureName: "regress_x_to_y" }),
  ],
  [
    "Regress on one that predicts",
    INVALID_ARGUMENT,
    `Expected regression signature method_name to be ${REGRESS}. Was: tensorflow/serving/predict`,
    () => regress({ name: "examples" }),
  ],
];

describe.skipIf(LIBRARY === undefined)(`errors of a SavedModel's gRPC calls (${NO_LIBRARY})`, () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let server: RunningServer;
  let checking: RunningServer;
  let clients: readonly GrpcClient[];

  beforeAll(async () => {
    folder = temporaryFolder();
    const places = {
      ...MODELS,
      fixed: ["cases", "cr_classify"],
      fixed_values: ["cases", "cr_regress"],
      loop: ["runtime", "loop"],
    };
    const models = Object.entries(places).map(([name, path]) => [name, { base_path: fixture("tensorflow", ...path) }]);
    const file = join(folder.path, "models.json");
    writeFileSync(file, JSON.stringify({ models: Object.fromEntries(models) as unknown }));
    const flags = [`--model_config_file=${file}`, `--tensorflow_library=${LIBRARY}`, "--enable_session_service"];
    server = await startServer(flags);
    checking = await startServer([...flags, "--enable_signature_method_name_check"]);
    clients = [new GrpcClient(server.port), new GrpcClient(checking.port)];
  }, 120_000);

  afterAll(async () => {
    for (const each of clients ?? []) each.close();
    await server?.stop();
    await checking?.stop();
    folder?.remove();
  });

  describe.each([
    ["any call's model", SPEC],
    ["Predict", PREDICT],
    ["Classify and Regress", EXAMPLES],
    ["MultiInference", MULTI],
    ["GetModelMetadata", METADATA],
    ["SessionRun", SESSION],
  ])("%s", (_, rows) => {
    test.each(rows)("%s", async (_, code, message, ask) => {
      client = clients[0]!;
      check(await ask(), code, message);
    });
  });

  describe("with --enable_signature_method_name_check", () => {
    test.each(CHECKED)("%s", async (_, code, message, ask) => {
      client = clients[1]!;
      check(await ask(), code, message);
    });
  });

  test("without that flag a method of nobody's is no matter", async () => {
    client = clients[0]!;
    const status = await predict({ name: "odd", signatureName: "no_method" }, { inputs: strings("a") });
    check(status, OK, "");
  });
});

function check(status: GrpcStatus, code: number, message: string | RegExp): void {
  expect(status.code, status.message).toBe(code);
  if (typeof message === "string") expect(status.message).toBe(message);
  else expect(status.message).toMatch(message);
}
