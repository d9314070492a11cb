import { isUtf8 } from "node:buffer";
import { fromBinary } from "@bufbuild/protobuf";
import { ServingError } from "../base/serving-error.ts";
import { ExampleSchema } from "../gen/tensorflow/core/example/example_pb.ts";
import type { Classifications } from "../gen/tensorflow_serving/apis/classification_pb.ts";
import { ClassificationResponseSchema } from "../gen/tensorflow_serving/apis/classification_pb.ts";
import { MultiInferenceResponseSchema } from "../gen/tensorflow_serving/apis/inference_pb.ts";
import type { Regression } from "../gen/tensorflow_serving/apis/regression_pb.ts";
import { RegressionResponseSchema } from "../gen/tensorflow_serving/apis/regression_pb.ts";
import { stringBytes } from "../tensor/string-array.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { AllocationBudget } from "./allocation-budget.ts";
import { decodeExampleRequest, decodeMultiInferenceRequest } from "./classify-message.ts";
import { writeFloat32, writeFloat64, writeHalf } from "./json/float-text.ts";
import { fromBfloat16Bits, fromFloat16Bits } from "./json/half.ts";
import { JsonWriter } from "./json/json-writer.ts";
import { type ModelSpec, readModelSpec } from "./model-spec.ts";
import { decodePredictOutputs, decodePredictRequest } from "./predict-message.ts";
import { decodePredictionLog } from "./prediction-log.ts";
import { ProtobufReader } from "./protobuf/reader.ts";
import { decodeTensorProto } from "./tensor-proto.ts";

// Tags of LogMetadata.
const SPEC = 0x0a;
const TIMESTAMP_SECONDS = 0x20;

const FIRST_BYTES = 4096;

/** Without elements nothing but this bounds what a tensor's shape makes of it. */
const MOST_EMPTY_LISTS = 65_536;

/**
 * A serialized PredictionLog as one line of JSON, its end included: when, model, version, signature, api, and what went in and came
 * out. Tensors are nested lists by alias; examples are objects by feature; classes are `[label, score]`.
 *
 * Numbers are written as the REST API writes them, but for those that JSON has none of: "NaN", "Infinity" and "-Infinity" are strings.
 * A complex number is `[real, imaginary]`. Bytes that are not UTF-8 are `{"b64": "..."}`.
 *
 * @throws ServingError invalid-argument for malformed bytes, and for a log that is not of an inference.
 */
export function predictionLogLine(bytes: Uint8Array): Uint8Array {
  const { kind, metadata, request = new Uint8Array(0), response = new Uint8Array(0) } = decodePredictionLog(bytes);
  const { spec, seconds } = readMetadata(metadata ?? new Uint8Array(0));
  const writer = new JsonWriter(new Uint8Array(FIRST_BYTES));
  writer.ascii(`{"time": "${new Date(seconds * 1000).toISOString().replace(".000", "")}", "model": `);
  writer.text(spec?.name ?? "");
  writer.ascii(`, "version": ${spec?.version ?? 0n}, "signature": `);
  writer.text(spec?.signatureName ?? "");
  writer.ascii(`, "api": "${kind}", "inputs": `);
  switch (kind) {
    case "predict":
      writeTensors(writer, decodePredictRequest(request).inputs);
      writer.ascii(', "outputs": ');
      writeTensors(writer, decodePredictOutputs(response));
      break;
    case "classify":
      writeExamples(writer, decodeExampleRequest(request).examples);
      writer.ascii(', "outputs": ');
      writeClasses(writer, fromBinary(ClassificationResponseSchema, response).result?.classifications ?? []);
      break;
    case "regress":
      writeExamples(writer, decodeExampleRequest(request).examples);
      writer.ascii(', "outputs": ');
      writeValues(writer, fromBinary(RegressionResponseSchema, response).result?.regressions ?? []);
      break;
    case "multi-inference":
      writeExamples(writer, decodeMultiInferenceRequest(request).examples);
      writer.ascii(', "outputs": ');
      writeOutcomes(writer, response);
      break;
    case "session-run":
    case "predict-streamed":
    case "none":
      throw new ServingError("invalid-argument", `a log of kind ${kind} has no form in JSON`);
  }
  writer.ascii("}\n");
  return writer.take();
}

/**
 * A serialized PredictRequest as the body of a REST predict call: the signature's name unless it has none, and the inputs in columns.
 * @param budget what decoding it may allocate.
 * @throws ServingError invalid-argument for malformed bytes, and for one beyond the budget.
 */
export function predictRequestJson(bytes: Uint8Array, budget: AllocationBudget): string {
  const { modelSpec, inputs } = decodePredictRequest(bytes, budget);
  const writer = new JsonWriter(new Uint8Array(FIRST_BYTES));
  writer.ascii("{");
  if (modelSpec?.signatureName) {
    writer.ascii('"signature_name": ');
    writer.text(modelSpec.signatureName);
    writer.ascii(", ");
  }
  writer.ascii('"inputs": ');
  writeTensors(writer, inputs, budget);
  writer.ascii("}");
  return Buffer.from(writer.take()).toString("utf8");
}

function readMetadata(bytes: Uint8Array): { readonly spec: ModelSpec | undefined; readonly seconds: number } {
  const reader = new ProtobufReader(bytes);
  let spec: ModelSpec | undefined;
  let seconds = 0;
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === SPEC) spec = readModelSpec(reader, spec);
    else if (tag === TIMESTAMP_SECONDS) seconds = reader.readInt64AsNumber();
    else reader.skip(tag);
  }
  return { spec, seconds };
}

/** Writes items between the brackets, with commas. */
function writeEach<Item>(
  writer: JsonWriter,
  open: string,
  items: Iterable<Item>,
  close: string,
  write: (item: Item) => void,
): void {
  let separator = open;
  for (const item of items) {
    writer.ascii(separator);
    write(item);
    separator = ", ";
  }
  writer.ascii(separator === open ? open + close : close);
}

function writeBytes(writer: JsonWriter, value: Uint8Array): void {
  if (isUtf8(value)) {
    writer.string(value);
    return;
  }
  writer.ascii('{"b64": ');
  writer.base64(value);
  writer.byte(0x7d);
}

function writeTensors(writer: JsonWriter, tensors: ReadonlyMap<string, Uint8Array>, budget?: AllocationBudget): void {
  writeEach(writer, "{", tensors, "}", ([alias, bytes]) => {
    writer.text(alias);
    writer.ascii(": ");
    const tensor = decodeTensorProto(bytes, budget);
    checkEmptyLists(tensor.shape);
    writeDimension(writer, tensor, 0, { next: 0 });
  });
}

/** A few bytes may say that there are 10^9 rows without columns, each of which would be a list. */
function checkEmptyLists(shape: readonly number[]): void {
  const empty = shape.indexOf(0);
  if (empty === -1) return;
  const lists = shape.slice(0, empty).reduce((product, size) => product * size, 1);
  if (lists > MOST_EMPTY_LISTS) {
    throw new ServingError(
      "invalid-argument",
      `a tensor of ${lists} empty lists is not written as JSON, at most ${MOST_EMPTY_LISTS}`,
    );
  }
}

function writeDimension(writer: JsonWriter, tensor: Tensor, dimension: number, position: { next: number }): void {
  if (dimension === tensor.shape.length) {
    writeElement(writer, tensor, position.next++);
    return;
  }
  writer.byte(0x5b);
  for (let i = 0; i < tensor.shape[dimension]; i++) {
    if (i > 0) writer.ascii(", ");
    writeDimension(writer, tensor, dimension + 1, position);
  }
  writer.byte(0x5d);
}

function writeElement(writer: JsonWriter, tensor: Tensor, index: number): void {
  if (tensor.dtype === "string") {
    writeBytes(writer, stringBytes(tensor.data, index));
    return;
  }
  const { dtype, data } = tensor;
  const value = data[index] as number;
  switch (dtype) {
    case "float32":
      writeNumber(writer, value, writeFloat32);
      break;
    case "float64":
      writeNumber(writer, value, writeFloat64);
      break;
    case "float16":
      writeNumber(writer, fromFloat16Bits(value), writeHalf);
      break;
    case "bfloat16":
      writeNumber(writer, fromBfloat16Bits(value), writeHalf);
      break;
    case "bool":
      writer.ascii(value === 0 ? "false" : "true");
      break;
    case "complex64":
    case "complex128": {
      const parts = [data[index * 2] as number, data[index * 2 + 1] as number];
      writeEach(writer, "[", parts, "]", (part) =>
        writeNumber(writer, part, dtype === "complex64" ? writeFloat32 : writeFloat64),
      );
      break;
    }
    case "int8":
    case "int16":
    case "int32":
    case "int64":
    case "uint8":
    case "uint16":
    case "uint32":
    case "uint64":
      writer.ascii(String(value));
  }
}

function writeNumber(writer: JsonWriter, value: number, write: (writer: JsonWriter, value: number) => void): void {
  if (Number.isFinite(value)) write(writer, value);
  else writer.ascii(`"${value}"`);
}

function writeExamples(writer: JsonWriter, examples: readonly Uint8Array[]): void {
  writeEach(writer, "[", examples, "]", (bytes) => {
    const { features } = fromBinary(ExampleSchema, bytes);
    writeEach(writer, "{", Object.entries(features?.feature ?? {}), "}", ([name, { kind }]) => {
      writer.text(name);
      writer.ascii(": ");
      if (kind.case === "bytesList") writeEach(writer, "[", kind.value.value, "]", (value) => writeBytes(writer, value));
      else if (kind.case === "floatList") writeFloats(writer, kind.value.value);
      else writeEach(writer, "[", kind.value?.value ?? [], "]", (value) => writer.ascii(String(value)));
    });
  });
}

function writeFloats(writer: JsonWriter, values: readonly number[]): void {
  writeEach(writer, "[", values, "]", (value) => writeNumber(writer, value, writeFloat32));
}

function writeClasses(writer: JsonWriter, rows: readonly Classifications[]): void {
  writeEach(writer, "[", rows, "]", ({ classes }) =>
    writeEach(writer, "[", classes, "]", ({ label, score }) => {
      writer.byte(0x5b);
      writer.text(label);
      writer.ascii(", ");
      writeNumber(writer, score, writeFloat32);
      writer.byte(0x5d);
    }),
  );
}

function writeValues(writer: JsonWriter, values: readonly Regression[]): void {
  writeFloats(
    writer,
    values.map(({ value }) => value),
  );
}

function writeOutcomes(writer: JsonWriter, response: Uint8Array): void {
  writeEach(writer, "[", fromBinary(MultiInferenceResponseSchema, response).results, "]", ({ modelSpec, result }) => {
    writer.ascii('{"signature": ');
    writer.text(modelSpec?.signatureName ?? "");
    writer.ascii(', "outputs": ');
    if (result.case === "classificationResult") writeClasses(writer, result.value.classifications);
    else writeValues(writer, result.case === "regressionResult" ? result.value.regressions : []);
    writer.byte(0x7d);
  });
}
