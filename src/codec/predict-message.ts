import type { NamedTensors } from "../tensor/tensor.ts";
import { AllocationBudget } from "./allocation-budget.ts";
import { type ModelSpec, readModelSpec } from "./model-spec.ts";
import { type ServedSpec, servedSpecBytes } from "./model-spec-message.ts";
import { gatherField } from "./protobuf/gather-field.ts";
import { ProtobufReader } from "./protobuf/reader.ts";
import { delimitedSize, utf8Size } from "./protobuf/size.ts";
import { ProtobufWriter } from "./protobuf/writer.ts";
import { TensorProtoPlan } from "./tensor-proto-plan.ts";

/** A `tensorflow.serving.PredictRequest` whose tensors are not read yet. */
export interface PredictRequest {
  /** Absent when the message has none. */
  readonly modelSpec?: ModelSpec;
  /** Serialized TensorProtos by alias, views of the message. */
  readonly inputs: ReadonlyMap<string, Uint8Array>;
  /** Output aliases as they were sent, empty for all. */
  readonly outputFilter: readonly string[];
  /** What decoding the inputs may still allocate. */
  readonly budget: AllocationBudget;
}

// Tags of PredictRequest and of an entry of tensors by alias, here and in PredictResponse.
const MODEL_SPEC = 0x0a;
const INPUT = 0x12;
const OUTPUT_FILTER = 0x1a;
const KEY = 0x0a;
const VALUE = 0x12;

// Tags of PredictResponse.
const OUTPUTS = 0x0a;
const RESPONSE_SPEC = 0x12;

/** About what one entry of the inputs takes in memory beyond its bytes, and one name of the filter. */
const ENTRY_BYTES = 256;
const NAME_BYTES = 64;

const EMPTY: Uint8Array = new Uint8Array(0);

/**
 * Reads a serialized PredictRequest as protobuf's rules have it: a key that comes again replaces the earlier input,
 * a model_spec that comes again merges with the earlier one, unknown fields are ignored.
 * @throws ServingError invalid-argument for malformed bytes, or more inputs than the budget allows.
 */
export function decodePredictRequest(bytes: Uint8Array, budget: AllocationBudget = new AllocationBudget()): PredictRequest {
  const reader = new ProtobufReader(bytes);
  let modelSpec: ModelSpec | undefined;
  const inputs = new Map<string, Uint8Array>();
  const outputFilter: string[] = [];
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === MODEL_SPEC) modelSpec = readModelSpec(reader, modelSpec);
    else if (tag === INPUT) {
      budget.take(ENTRY_BYTES);
      readTensorEntry(reader, inputs, budget);
    } else if (tag === OUTPUT_FILTER) {
      budget.take(NAME_BYTES);
      outputFilter.push(reader.readString());
    } else reader.skip(tag);
  }
  return modelSpec === undefined ? { inputs, outputFilter, budget } : { modelSpec, inputs, outputFilter, budget };
}

/**
 * The outputs of a serialized `tensorflow.serving.PredictResponse`: TensorProtos by alias, views of the message. A key that comes
 * again replaces the earlier one.
 * @throws ServingError invalid-argument for malformed bytes.
 */
export function decodePredictOutputs(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const reader = new ProtobufReader(bytes);
  const budget = new AllocationBudget();
  const outputs = new Map<string, Uint8Array>();
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === OUTPUTS) readTensorEntry(reader, outputs, budget);
    else reader.skip(tag);
  }
  return outputs;
}

function readTensorEntry(reader: ProtobufReader, tensors: Map<string, Uint8Array>, budget: AllocationBudget): void {
  let alias = "";
  let tensor: Uint8Array = EMPTY;
  let occurrences = 0;
  const outer = reader.enter();
  const start = reader.position;
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === KEY) alias = reader.readString();
    else if (tag !== VALUE) reader.skip(tag);
    else if (occurrences++ === 0) tensor = reader.readBytes();
    else reader.skip(tag);
  }
  if (occurrences > 1) tensor = gatherField(reader.bytes, [start, reader.end], VALUE, budget);
  reader.leave(outer);
  tensors.set(alias, tensor);
}

/**
 * Serializes a `tensorflow.serving.PredictResponse` in one allocation of the exact size.
 * @param asTensorContent writes elements as `tensor_content` instead of typed fields.
 * @param headroom bytes of zero left before the message, where a transport may put its own header.
 */
export function encodePredictResponse(
  spec: ServedSpec,
  outputs: NamedTensors,
  asTensorContent: boolean,
  headroom = 0,
): Uint8Array {
  const specBytes = servedSpecBytes(spec);
  let size = 1 + delimitedSize(specBytes.length);
  const plans: TensorProtoPlan[] = [];
  for (const [alias, tensor] of outputs) {
    const plan = new TensorProtoPlan(tensor, asTensorContent);
    plans.push(plan);
    size += 1 + delimitedSize(entrySize(utf8Size(alias), plan.size));
  }
  const writer = ProtobufWriter.allocate(size, headroom);
  let next = 0;
  for (const alias of outputs.keys()) {
    const plan = plans[next++];
    const aliasSize = utf8Size(alias);
    writer.writeVarint32(OUTPUTS);
    writer.writeVarint32(entrySize(aliasSize, plan.size));
    writer.writeVarint32(KEY);
    writer.writeString(alias, aliasSize);
    writer.writeVarint32(VALUE);
    writer.writeVarint32(plan.size);
    plan.write(writer);
  }
  writer.writeVarint32(RESPONSE_SPEC);
  writer.writeBytes(specBytes);
  return writer.finish();
}

function entrySize(aliasSize: number, tensorSize: number): number {
  return 2 + delimitedSize(aliasSize) + delimitedSize(tensorSize);
}
