import { AllocationBudget } from "./allocation-budget.ts";
import { ExampleInput } from "./example-input.ts";
import { type ModelSpec, readModelSpec } from "./model-spec.ts";
import { type ServedSpec, servedSpecBytes } from "./model-spec-message.ts";
import { ProtobufReader } from "./protobuf/reader.ts";
import { delimitedSize } from "./protobuf/size.ts";
import { ProtobufWriter } from "./protobuf/writer.ts";

/** A `tensorflow.serving.ClassificationRequest` or `RegressionRequest`: they are the same message but for their names. */
export interface ExampleRequest {
  /** Absent when the message has none. */
  readonly modelSpec?: ModelSpec;
  /** Serialized Examples, the context put before each. */
  readonly examples: readonly Uint8Array[];
}

/** One task of a `tensorflow.serving.MultiInferenceRequest`. */
export interface InferenceTaskMessage {
  /** Absent when the message has none. */
  readonly modelSpec?: ModelSpec;
  readonly methodName: string;
}

/** A `tensorflow.serving.MultiInferenceRequest`. */
export interface MultiInferenceRequest {
  readonly tasks: readonly InferenceTaskMessage[];
  /** Serialized Examples, the context put before each. */
  readonly examples: readonly Uint8Array[];
}

/** One class of one example: UTF-8 label and score. */
export interface ScoredClass {
  readonly label: Uint8Array;
  readonly score: number;
}

/** Classes of each example. */
export type ClassRows = readonly (readonly ScoredClass[])[];

/** The result of one task of a multi-inference call. */
export type InferenceResult =
  | { readonly kind: "classify"; readonly resolved: ServedSpec; readonly rows: ClassRows }
  | { readonly kind: "regress"; readonly resolved: ServedSpec; readonly values: Float32Array };

// The first and the second length-delimited field, whatever the message; the third where there is one.
const FIRST = 0x0a;
const SECOND = 0x12;
const THIRD = 0x1a;
const SCORE = 0x15;
const REGRESSION_VALUE = 0x0d;

/** About what a task takes in memory beyond its bytes. */
const TASK_BYTES = 256;

/**
 * Reads a serialized ClassificationRequest or RegressionRequest.
 * @throws ServingError invalid-argument for malformed bytes, or more examples than the budget allows.
 */
export function decodeExampleRequest(bytes: Uint8Array, budget: AllocationBudget = new AllocationBudget()): ExampleRequest {
  const reader = new ProtobufReader(bytes);
  const input = new ExampleInput(bytes);
  let modelSpec: ModelSpec | undefined;
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === FIRST) modelSpec = readModelSpec(reader, modelSpec);
    else if (tag === SECOND) input.read(reader);
    else reader.skip(tag);
  }
  const examples = input.examples(budget);
  return modelSpec === undefined ? { examples } : { modelSpec, examples };
}

/**
 * Reads a serialized MultiInferenceRequest.
 * @throws ServingError invalid-argument for malformed bytes, or more tasks and examples than the budget allows.
 */
export function decodeMultiInferenceRequest(
  bytes: Uint8Array,
  budget: AllocationBudget = new AllocationBudget(),
): MultiInferenceRequest {
  const reader = new ProtobufReader(bytes);
  const input = new ExampleInput(bytes);
  const tasks: InferenceTaskMessage[] = [];
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === FIRST) {
      budget.take(TASK_BYTES);
      tasks.push(readTask(reader));
    } else if (tag === SECOND) input.read(reader);
    else reader.skip(tag);
  }
  return { tasks, examples: input.examples(budget) };
}

function readTask(reader: ProtobufReader): InferenceTaskMessage {
  let modelSpec: ModelSpec | undefined;
  let methodName = "";
  const outer = reader.enter();
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === FIRST) modelSpec = readModelSpec(reader, modelSpec);
    else if (tag === SECOND) methodName = reader.readString();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return modelSpec === undefined ? { methodName } : { modelSpec, methodName };
}

/** Serializes a `tensorflow.serving.ClassificationResponse`. */
export function encodeClassificationResponse(spec: ServedSpec, rows: ClassRows): Uint8Array {
  const resultSize = classificationResultSize(rows);
  const specBytes = servedSpecBytes(spec);
  const writer = ProtobufWriter.allocate(2 + delimitedSize(resultSize) + delimitedSize(specBytes.length));
  begin(writer, FIRST, resultSize);
  writeClassificationResult(writer, rows);
  begin(writer, SECOND, specBytes.length);
  writer.writeRaw(specBytes);
  return writer.finish();
}

/** Serializes a `tensorflow.serving.RegressionResponse`. */
export function encodeRegressionResponse(spec: ServedSpec, values: Float32Array): Uint8Array {
  const resultSize = regressionResultSize(values);
  const specBytes = servedSpecBytes(spec);
  const writer = ProtobufWriter.allocate(2 + delimitedSize(resultSize) + delimitedSize(specBytes.length));
  begin(writer, FIRST, resultSize);
  writeRegressionResult(writer, values);
  begin(writer, SECOND, specBytes.length);
  writer.writeRaw(specBytes);
  return writer.finish();
}

/** Serializes a `tensorflow.serving.MultiInferenceResponse`, results in the order given. */
export function encodeMultiInferenceResponse(results: readonly InferenceResult[]): Uint8Array {
  const bodySizes = results.map((result) =>
    result.kind === "classify" ? classificationResultSize(result.rows) : regressionResultSize(result.values),
  );
  const specs = results.map((result) => servedSpecBytes(result.resolved));
  const sizes = results.map((_, i) => 2 + delimitedSize(specs[i].length) + delimitedSize(bodySizes[i]));
  const writer = ProtobufWriter.allocate(sizes.reduce((sum, size) => sum + 1 + delimitedSize(size), 0));
  for (let i = 0; i < results.length; i++) {
    const result = results[i];
    begin(writer, FIRST, sizes[i]);
    begin(writer, FIRST, specs[i].length);
    writer.writeRaw(specs[i]);
    begin(writer, result.kind === "classify" ? SECOND : THIRD, bodySizes[i]);
    if (result.kind === "classify") writeClassificationResult(writer, result.rows);
    else writeRegressionResult(writer, result.values);
  }
  return writer.finish();
}

function begin(writer: ProtobufWriter, tag: number, size: number): void {
  writer.writeVarint32(tag);
  writer.writeVarint32(size);
}

/** proto3 leaves out a float of all zero bits, and only that. */
function isAbsent(value: number): boolean {
  return Object.is(value, 0);
}

function classSize({ label, score }: ScoredClass): number {
  return (label.length === 0 ? 0 : 1 + delimitedSize(label.length)) + (isAbsent(Math.fround(score)) ? 0 : 5);
}

function rowSize(row: readonly ScoredClass[]): number {
  let size = 0;
  for (const scored of row) size += 1 + delimitedSize(classSize(scored));
  return size;
}

function classificationResultSize(rows: ClassRows): number {
  let size = 0;
  for (const row of rows) size += 1 + delimitedSize(rowSize(row));
  return size;
}

function writeClassificationResult(writer: ProtobufWriter, rows: ClassRows): void {
  for (const row of rows) {
    begin(writer, FIRST, rowSize(row));
    for (const scored of row) {
      begin(writer, FIRST, classSize(scored));
      if (scored.label.length > 0) {
        writer.writeVarint32(FIRST);
        writer.writeBytes(scored.label);
      }
      if (isAbsent(Math.fround(scored.score))) continue;
      writer.writeVarint32(SCORE);
      writer.writeFloat(scored.score);
    }
  }
}

function regressionResultSize(values: Float32Array): number {
  let size = 0;
  for (const value of values) size += isAbsent(value) ? 2 : 7;
  return size;
}

function writeRegressionResult(writer: ProtobufWriter, values: Float32Array): void {
  for (const value of values) {
    begin(writer, FIRST, isAbsent(value) ? 0 : 5);
    if (isAbsent(value)) continue;
    writer.writeVarint32(REGRESSION_VALUE);
    writer.writeFloat(value);
  }
}
