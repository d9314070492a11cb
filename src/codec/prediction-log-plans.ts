import type { NamedTensors, Tensor } from "../tensor/tensor.ts";
import type { ModelSpec } from "./model-spec.ts";
import { type ServedSpec, servedSpecBytes } from "./model-spec-message.ts";
import type { PlannedMessage } from "./prediction-log.ts";
import { delimitedSize, int64Size, utf8Size } from "./protobuf/size.ts";
import type { ProtobufWriter } from "./protobuf/writer.ts";
import { TensorProtoPlan } from "./tensor-proto-plan.ts";

// The first three length-delimited fields, whatever the message, and ModelSpec's fourth.
const FIRST = 0x0a;
const SECOND = 0x12;
const THIRD = 0x1a;
const VERSION_LABEL = 0x22;
const WRAPPED_VALUE = 0x08;
const SAMPLING_RATE = 0x09;
const TIMESTAMP_SECONDS = 0x20;

/** A `tensorflow.serving.LogMetadata`: what was served, the rate it was drawn by, and when, in seconds since 1970. */
export class LogMetadataPlan implements PlannedMessage {
  readonly size: number;
  readonly #spec: Uint8Array;
  readonly #samplingRate: number;
  readonly #seconds: number;

  constructor(spec: ServedSpec, samplingRate: number, seconds: number) {
    this.#spec = servedSpecBytes(spec);
    this.#samplingRate = samplingRate;
    this.#seconds = seconds;
    this.size = 1 + delimitedSize(this.#spec.length) + 2 + SAMPLING_SIZE + 1 + int64Size(BigInt(seconds));
  }

  write(writer: ProtobufWriter): void {
    writeDelimited(writer, FIRST, this.#spec);
    writer.writeVarint32(SECOND);
    writer.writeVarint32(SAMPLING_SIZE);
    writer.writeVarint32(SAMPLING_RATE);
    writer.writeDouble(this.#samplingRate);
    writer.writeVarint32(TIMESTAMP_SECONDS);
    writer.writeInt64(BigInt(this.#seconds));
  }
}

/** Bytes of a SamplingConfig with its rate: a tag and a double. */
const SAMPLING_SIZE = 9;

/** A `tensorflow.serving.PredictRequest`. */
export class PredictRequestPlan implements PlannedMessage {
  readonly size: number;
  readonly #spec: SpecPlan;
  readonly #inputs: TensorsPlan;
  readonly #outputFilter: readonly string[];

  constructor(spec: ModelSpec, inputs: NamedTensors, outputFilter: readonly string[]) {
    this.#spec = new SpecPlan(spec);
    this.#inputs = new TensorsPlan(SECOND, inputs);
    this.#outputFilter = outputFilter;
    this.size = 1 + delimitedSize(this.#spec.size) + this.#inputs.size;
    for (const alias of outputFilter) this.size += 1 + delimitedSize(utf8Size(alias));
  }

  write(writer: ProtobufWriter): void {
    writeMessage(writer, FIRST, this.#spec);
    this.#inputs.write(writer);
    for (const alias of this.#outputFilter) writeText(writer, THIRD, alias);
  }
}

/** A `tensorflow.serving.PredictResponse`. */
export class PredictResponsePlan implements PlannedMessage {
  readonly size: number;
  readonly #outputs: TensorsPlan;
  readonly #spec: Uint8Array;

  constructor(spec: ServedSpec, outputs: NamedTensors) {
    this.#outputs = new TensorsPlan(FIRST, outputs);
    this.#spec = servedSpecBytes(spec);
    this.size = this.#outputs.size + 1 + delimitedSize(this.#spec.length);
  }

  write(writer: ProtobufWriter): void {
    this.#outputs.write(writer);
    writeDelimited(writer, SECOND, this.#spec);
  }
}

/** A `tensorflow.serving.ClassificationRequest` or `RegressionRequest`, which are the same but for their names. */
export class ExampleRequestPlan implements PlannedMessage {
  readonly size: number;
  readonly #spec: SpecPlan;
  readonly #input: InputPlan;

  /** @param examples serialized `tf.Example`s. */
  constructor(spec: ModelSpec, examples: readonly Uint8Array[]) {
    this.#spec = new SpecPlan(spec);
    this.#input = new InputPlan(examples);
    this.size = 2 + delimitedSize(this.#spec.size) + delimitedSize(this.#input.size);
  }

  write(writer: ProtobufWriter): void {
    writeMessage(writer, FIRST, this.#spec);
    writeMessage(writer, SECOND, this.#input);
  }
}

/** One task of a {@link MultiInferenceRequestPlan}. */
export interface PlannedTask {
  /** Absent when the request has none. */
  readonly spec: ModelSpec | undefined;
  readonly methodName: string;
}

/** A `tensorflow.serving.MultiInferenceRequest`. */
export class MultiInferenceRequestPlan implements PlannedMessage {
  readonly size: number;
  readonly #tasks: readonly { readonly spec: SpecPlan; readonly methodName: string; readonly size: number }[];
  readonly #input: InputPlan;

  /** @param examples serialized `tf.Example`s. */
  constructor(tasks: readonly PlannedTask[], examples: readonly Uint8Array[]) {
    this.#tasks = tasks.map(({ spec, methodName }) => {
      const plan = new SpecPlan(spec ?? NO_SPEC);
      return { spec: plan, methodName, size: 2 + delimitedSize(plan.size) + delimitedSize(utf8Size(methodName)) };
    });
    this.#input = new InputPlan(examples);
    this.size = this.#tasks.reduce((sum, { size }) => sum + 1 + delimitedSize(size), 1 + delimitedSize(this.#input.size));
  }

  write(writer: ProtobufWriter): void {
    for (const { spec, methodName, size } of this.#tasks) {
      writer.writeVarint32(FIRST);
      writer.writeVarint32(size);
      writeMessage(writer, FIRST, spec);
      writeText(writer, SECOND, methodName);
    }
    writeMessage(writer, SECOND, this.#input);
  }
}

const NO_SPEC: ModelSpec = { name: "", signatureName: "" };

/** A `tensorflow.serving.ModelSpec` as a request had it. */
class SpecPlan implements PlannedMessage {
  readonly size: number;
  readonly #spec: ModelSpec;
  readonly #versionSize: number;

  constructor(spec: ModelSpec) {
    const { name, version, versionLabel, signatureName } = spec;
    this.#spec = spec;
    this.#versionSize = version === undefined ? 0 : 1 + int64Size(version);
    this.size = 1 + delimitedSize(utf8Size(name));
    if (version !== undefined) this.size += 1 + delimitedSize(this.#versionSize);
    if (signatureName !== "") this.size += 1 + delimitedSize(utf8Size(signatureName));
    if (versionLabel !== undefined) this.size += 1 + delimitedSize(utf8Size(versionLabel));
  }

  write(writer: ProtobufWriter): void {
    const { name, version, versionLabel, signatureName } = this.#spec;
    writeText(writer, FIRST, name);
    if (version !== undefined) {
      writer.writeVarint32(SECOND);
      writer.writeVarint32(this.#versionSize);
      writer.writeVarint32(WRAPPED_VALUE);
      writer.writeInt64(version);
    }
    if (signatureName !== "") writeText(writer, THIRD, signatureName);
    if (versionLabel !== undefined) writeText(writer, VERSION_LABEL, versionLabel);
  }
}

/** A `tensorflow.serving.Input` that is a list of Examples. */
class InputPlan implements PlannedMessage {
  readonly size: number;
  readonly #examples: readonly Uint8Array[];
  readonly #listSize: number;

  constructor(examples: readonly Uint8Array[]) {
    this.#examples = examples;
    this.#listSize = 0;
    for (const example of examples) this.#listSize += 1 + delimitedSize(example.length);
    this.size = 1 + delimitedSize(this.#listSize);
  }

  write(writer: ProtobufWriter): void {
    writer.writeVarint32(FIRST);
    writer.writeVarint32(this.#listSize);
    for (const example of this.#examples) writeDelimited(writer, FIRST, example);
  }
}

/**
 * A field that maps aliases to TensorProtos, tags included. Numbers are written as `tensor_content`, which is copying them; strings one
 * by one, since not every reader takes them otherwise.
 */
class TensorsPlan implements PlannedMessage {
  readonly size: number;
  readonly #tag: number;
  readonly #tensors: NamedTensors;
  readonly #plans: readonly TensorProtoPlan[];

  constructor(tag: number, tensors: NamedTensors) {
    const plans: TensorProtoPlan[] = [];
    let size = 0;
    for (const [alias, tensor] of tensors) {
      const plan = new TensorProtoPlan(tensor, hasContent(tensor));
      plans.push(plan);
      size += 1 + delimitedSize(entrySize(alias, plan));
    }
    this.#tag = tag;
    this.#tensors = tensors;
    this.#plans = plans;
    this.size = size;
  }

  write(writer: ProtobufWriter): void {
    let next = 0;
    for (const alias of this.#tensors.keys()) {
      const plan = this.#plans[next++];
      writer.writeVarint32(this.#tag);
      writer.writeVarint32(entrySize(alias, plan));
      writeText(writer, FIRST, alias);
      writeMessage(writer, SECOND, plan);
    }
  }
}

function hasContent({ dtype }: Tensor): boolean {
  return dtype !== "string";
}

function entrySize(alias: string, plan: PlannedMessage): number {
  return 2 + delimitedSize(utf8Size(alias)) + delimitedSize(plan.size);
}

function writeMessage(writer: ProtobufWriter, tag: number, message: PlannedMessage): void {
  writer.writeVarint32(tag);
  writer.writeVarint32(message.size);
  message.write(writer);
}

function writeDelimited(writer: ProtobufWriter, tag: number, bytes: Uint8Array): void {
  writer.writeVarint32(tag);
  writer.writeBytes(bytes);
}

function writeText(writer: ProtobufWriter, tag: number, text: string): void {
  writer.writeVarint32(tag);
  writer.writeString(text, utf8Size(text));
}
