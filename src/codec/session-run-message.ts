import type { Tensor } from "../tensor/tensor.ts";
import { AllocationBudget } from "./allocation-budget.ts";
import { type ModelSpec, readModelSpec } from "./model-spec.ts";
import { type ServedSpec, servedSpecBytes } from "./model-spec-message.ts";
import { gatherField } from "./protobuf/gather-field.ts";
import { ProtobufReader } from "./protobuf/reader.ts";
import { delimitedSize, utf8Size } from "./protobuf/size.ts";
import { ProtobufWriter } from "./protobuf/writer.ts";
import { TensorProtoPlan } from "./tensor-proto-plan.ts";

/** A `tensorflow.NamedTensorProto` whose tensor is not read yet. */
export interface NamedTensorMessage {
  readonly name: string;
  /** Serialized TensorProto; a view of the message, empty where there is none. */
  readonly tensor: Uint8Array;
}

/** A `tensorflow.serving.SessionRunRequest` whose tensors are not read yet. */
export interface SessionRunRequest {
  /** Absent when the message has none. */
  readonly modelSpec?: ModelSpec;
  /** As they were sent: a name may come again. */
  readonly feeds: readonly NamedTensorMessage[];
  readonly fetches: readonly string[];
  readonly targets: readonly string[];
  /** `options.timeout_in_ms`; 0 for no limit. */
  readonly timeoutMs: number;
  /** Whether feeds and fetches are named by a signature's aliases instead of by the graph's names. */
  readonly namesAreAliases: boolean;
  /** The message as it was sent. */
  readonly message: Uint8Array;
  /** What decoding the feeds may still allocate. */
  readonly budget: AllocationBudget;
}

// Tags of SessionRunRequest, RunOptions, NamedTensorProto and SessionRunResponse.
const MODEL_SPEC = 0x0a;
const FEED = 0x12;
const FETCH = 0x1a;
const TARGET = 0x22;
const OPTIONS = 0x2a;
const NAMES_ARE_ALIASES = 0x30;
const TIMEOUT_MS = 0x10;
const NAME = 0x0a;
const TENSOR = 0x12;
const RESPONSE_TENSOR = 0x0a;
const RESPONSE_SPEC = 0x1a;

/** About what a feed takes in memory beyond its bytes, and a name. */
const FEED_BYTES = 256;
const NAME_BYTES = 64;

const EMPTY: Uint8Array = new Uint8Array(0);

/**
 * Reads a serialized SessionRunRequest. Of the options only the time limit is read, the others say nothing of the answer.
 * @throws ServingError invalid-argument for malformed bytes, or more feeds and names than the budget allows.
 */
export function decodeSessionRunRequest(bytes: Uint8Array, budget: AllocationBudget = new AllocationBudget()): SessionRunRequest {
  const reader = new ProtobufReader(bytes);
  let modelSpec: ModelSpec | undefined;
  const feeds: NamedTensorMessage[] = [];
  const fetches: string[] = [];
  const targets: string[] = [];
  let timeoutMs = 0;
  let namesAreAliases = false;
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === MODEL_SPEC) modelSpec = readModelSpec(reader, modelSpec);
    else if (tag === FEED) {
      budget.take(FEED_BYTES);
      feeds.push(readNamedTensor(reader, budget));
    } else if (tag === FETCH || tag === TARGET) {
      budget.take(NAME_BYTES);
      (tag === FETCH ? fetches : targets).push(reader.readString());
    } else if (tag === OPTIONS) timeoutMs = readTimeout(reader, timeoutMs);
    else if (tag === NAMES_ARE_ALIASES) namesAreAliases = reader.readBool();
    else reader.skip(tag);
  }
  const request = { feeds, fetches, targets, timeoutMs: Math.max(0, timeoutMs), namesAreAliases, message: bytes, budget };
  return modelSpec === undefined ? request : { modelSpec, ...request };
}

function readNamedTensor(reader: ProtobufReader, budget: AllocationBudget): NamedTensorMessage {
  let name = "";
  let tensor = EMPTY;
  let occurrences = 0;
  const outer = reader.enter();
  const start = reader.position;
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === NAME) name = reader.readString();
    else if (tag === TENSOR && occurrences++ === 0) tensor = reader.readBytes();
    else reader.skip(tag);
  }
  if (occurrences > 1) tensor = gatherField(reader.bytes, [start, reader.end], TENSOR, budget);
  reader.leave(outer);
  return { name, tensor };
}

function readTimeout(reader: ProtobufReader, earlier: number): number {
  let timeoutMs = earlier;
  const outer = reader.enter();
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === TIMEOUT_MS) timeoutMs = reader.readInt64AsNumber();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return timeoutMs;
}

/**
 * Serializes a `tensorflow.serving.SessionRunResponse`, without metadata, in one allocation of the exact size.
 * @param names of the tensors, one each, in the order of the answer.
 * @param asTensorContent writes elements as `tensor_content` instead of typed fields.
 */
export function encodeSessionRunResponse(
  spec: ServedSpec,
  names: readonly string[],
  tensors: readonly Tensor[],
  asTensorContent: boolean,
): Uint8Array {
  const specBytes = servedSpecBytes(spec);
  let size = 1 + delimitedSize(specBytes.length);
  const entries = names.map((name, index) => {
    const plan = new TensorProtoPlan(tensors[index]!, asTensorContent);
    const nameSize = utf8Size(name);
    const entrySize = 2 + delimitedSize(nameSize) + delimitedSize(plan.size);
    size += 1 + delimitedSize(entrySize);
    return { name, nameSize, plan, entrySize };
  });
  const writer = ProtobufWriter.allocate(size);
  for (const { name, nameSize, plan, entrySize } of entries) {
    writer.writeVarint32(RESPONSE_TENSOR);
    writer.writeVarint32(entrySize);
    writer.writeVarint32(NAME);
    writer.writeString(name, nameSize);
    writer.writeVarint32(TENSOR);
    writer.writeVarint32(plan.size);
    plan.write(writer);
  }
  writer.writeVarint32(RESPONSE_SPEC);
  writer.writeBytes(specBytes);
  return writer.finish();
}
