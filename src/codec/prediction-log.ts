import { AllocationBudget } from "./allocation-budget.ts";
import { gatherField } from "./protobuf/gather-field.ts";
import { ProtobufReader } from "./protobuf/reader.ts";
import { delimitedSize } from "./protobuf/size.ts";
import { ProtobufWriter } from "./protobuf/writer.ts";

/** What a `tensorflow.serving.PredictionLog` recorded; `none` where it holds no log. */
export type PredictionLogKind =
  | "predict"
  | "classify"
  | "regress"
  | "multi-inference"
  | "session-run"
  | "predict-streamed"
  | "none";

/** A `tensorflow.serving.PredictionLog` whose messages are not read yet. */
export interface PredictionLog {
  readonly kind: PredictionLogKind;
  /** Serialized PredictRequest, ClassificationRequest and so on; the first one of a streamed log. Undefined when there is none. */
  readonly request: Uint8Array | undefined;
  /** Serialized response, as {@link request}. */
  readonly response: Uint8Array | undefined;
  /** Serialized `tensorflow.serving.LogMetadata`. */
  readonly metadata: Uint8Array | undefined;
}

// Tags of PredictionLog, and of every log in it.
const METADATA = 0x0a;
const REQUEST = 0x0a;
const RESPONSE = 0x12;

const KIND_TAGS = {
  classify: 0x12,
  regress: 0x1a,
  "multi-inference": 0x22,
  "session-run": 0x2a,
  predict: 0x32,
  "predict-streamed": 0x3a,
} as const;

const KINDS: ReadonlyMap<number, Exclude<PredictionLogKind, "none">> = new Map(
  Object.entries(KIND_TAGS).map(([kind, tag]) => [tag, kind as Exclude<PredictionLogKind, "none">]),
);

/**
 * Reads a serialized PredictionLog; its messages are views of `bytes`, or copies where a field comes more than once and its
 * occurrences merge.
 * @throws ServingError invalid-argument for malformed bytes.
 */
export function decodePredictionLog(bytes: Uint8Array, budget: AllocationBudget = new AllocationBudget()): PredictionLog {
  const reader = new ProtobufReader(bytes);
  const metadata: number[] = [];
  // Ranges of the log's occurrences: of a oneof the last member counts, and merges with what came right before of the same member.
  let logs: number[] = [];
  let kind: PredictionLogKind = "none";
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    const named = KINDS.get(tag);
    if (named === undefined && tag !== METADATA) {
      reader.skip(tag);
      continue;
    }
    if (named !== undefined && named !== kind) {
      kind = named;
      logs = [];
    }
    const length = reader.readLength();
    (named === undefined ? metadata : logs).push(reader.position, reader.position + length);
    reader.position += length;
  }
  const streamed = kind === "predict-streamed";
  return {
    kind,
    request: field(bytes, logs, REQUEST, streamed, budget),
    response: field(bytes, logs, RESPONSE, streamed, budget),
    metadata: joined(bytes, metadata, budget),
  };
}

/** The message of one field of the logs at `ranges`. */
function field(
  bytes: Uint8Array,
  ranges: readonly number[],
  tag: number,
  repeated: boolean,
  budget: AllocationBudget,
): Uint8Array | undefined {
  let found: Uint8Array | undefined;
  let occurrences = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    const reader = new ProtobufReader(bytes, ranges[i], ranges[i + 1]);
    for (let read = reader.readTag(); read !== 0; read = reader.readTag()) {
      if (read === tag && occurrences++ === 0) found = reader.readBytes();
      else reader.skip(read);
    }
  }
  return occurrences < 2 || repeated ? found : gatherField(bytes, ranges, tag, budget);
}

function joined(bytes: Uint8Array, ranges: readonly number[], budget: AllocationBudget): Uint8Array | undefined {
  if (ranges.length === 0) return undefined;
  if (ranges.length === 2) return bytes.subarray(ranges[0], ranges[1]);
  let total = 0;
  for (let i = 0; i < ranges.length; i += 2) total += ranges[i + 1] - ranges[i];
  budget.take(total);
  const whole = new Uint8Array(total);
  let filled = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    whole.set(bytes.subarray(ranges[i], ranges[i + 1]), filled);
    filled += ranges[i + 1] - ranges[i];
  }
  return whole;
}

/** A message of known size that writes itself. */
export interface PlannedMessage {
  /** Bytes of the message, without tag and length. */
  readonly size: number;
  /** Writes exactly {@link size} bytes. */
  write(writer: ProtobufWriter): void;
}

/** A PredictionLog about to be written: its exact size is known before the first byte is. */
export class PredictionLogPlan implements PlannedMessage {
  readonly size: number;
  readonly #tag: number;
  readonly #metadata: PlannedMessage;
  readonly #request: PlannedMessage;
  readonly #response: PlannedMessage;
  readonly #logSize: number;

  constructor(
    kind: Exclude<PredictionLogKind, "none">,
    metadata: PlannedMessage,
    request: PlannedMessage,
    response: PlannedMessage,
  ) {
    this.#tag = KIND_TAGS[kind];
    this.#metadata = metadata;
    this.#request = request;
    this.#response = response;
    this.#logSize = 2 + delimitedSize(request.size) + delimitedSize(response.size);
    this.size = 2 + delimitedSize(metadata.size) + delimitedSize(this.#logSize);
  }

  write(writer: ProtobufWriter): void {
    writePlanned(writer, METADATA, this.#metadata);
    writer.writeVarint32(this.#tag);
    writer.writeVarint32(this.#logSize);
    writePlanned(writer, REQUEST, this.#request);
    writePlanned(writer, RESPONSE, this.#response);
  }
}

/** Serializes a plan in memory of its own. */
export function encodePlanned(plan: PlannedMessage): Uint8Array {
  const writer = ProtobufWriter.allocate(plan.size);
  plan.write(writer);
  return writer.finish();
}

/** Bytes that are serialized already, as a message that writes itself. */
export function plannedBytes(bytes: Uint8Array): PlannedMessage {
  return { size: bytes.length, write: (writer) => writer.writeRaw(bytes) };
}

function writePlanned(writer: ProtobufWriter, tag: number, message: PlannedMessage): void {
  writer.writeVarint32(tag);
  writer.writeVarint32(message.size);
  message.write(writer);
}
