import { Buffer } from "node:buffer";
import type { Clock, Timer } from "../base/clock.ts";
import { ServingError } from "../base/serving-error.ts";
import { statusName } from "../base/status-code.ts";
import {
  type ClassRows,
  encodeClassificationResponse,
  encodeMultiInferenceResponse,
  encodeRegressionResponse,
  type InferenceResult,
} from "../codec/classify-message.ts";
import type { ModelSpec } from "../codec/model-spec.ts";
import type { ServedSpec } from "../codec/model-spec-message.ts";
import { type PlannedMessage, PredictionLogPlan, plannedBytes } from "../codec/prediction-log.ts";
import {
  ExampleRequestPlan,
  LogMetadataPlan,
  MultiInferenceRequestPlan,
  type PlannedTask,
  PredictRequestPlan,
  PredictResponsePlan,
} from "../codec/prediction-log-plans.ts";
import { ProtobufWriter } from "../codec/protobuf/writer.ts";
import { encodeSessionRunResponse, type SessionRunRequest } from "../codec/session-run-message.ts";
import { REQUEST_LOG_COUNT } from "../metrics/definitions.ts";
import type { MetricsShard } from "../metrics/metrics-shard.ts";
import type { StringArray } from "../tensor/string-array.ts";
import { stringBytes } from "../tensor/string-array.ts";
import type { NamedTensors, Tensor } from "../tensor/tensor.ts";
import { BATCH_BYTES, RECORD_HEADER_BYTES, writeRecordHeader } from "./request-log-batch.ts";

/** How one model's requests are logged. */
export interface RequestLogRule {
  /** Above 0. */
  readonly samplingRate: number;
  /** Which stream its records belong to; whoever takes the batches knows it. */
  readonly stream: number;
}

/** Where batches of records go. */
export interface RequestLogChannel {
  /** Bytes that were sent and are not written yet, of all threads together, in its first element. */
  readonly pending: Int32Array;
  /** Takes over the memory. */
  send(batch: Uint8Array<ArrayBuffer>): void;
}

/** What a {@link RequestLog} is made of. */
export interface RequestLogParts {
  readonly shard: MetricsShard;
  readonly clock: Clock;
  /** Numbers from 0 up to but not including 1. Default: Math.random. */
  readonly random?: () => number;
  /** Milliseconds since 1970. Default: Date.now. */
  readonly time?: () => number;
  /** Most bytes that may wait to be written, of all threads together. Default: 64 MiB. */
  readonly mostPendingBytes?: number;
}

/** Longest time that a record stays with its thread. */
const FLUSH_MS = 500;

const MOST_PENDING_BYTES = 64 * 1024 * 1024;

const NO_ROOM = statusName("resource-exhausted");

/**
 * One serving thread's part of request logging: draws which requests are logged, copies them into a batch, and sends that on when it is
 * full or old. Never waits and never throws: what there is no room for is counted and dropped.
 */
export class RequestLog {
  readonly #shard: MetricsShard;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #time: () => number;
  readonly #mostPending: number;
  #rules: ReadonlyMap<string, RequestLogRule> = new Map();
  #channel: RequestLogChannel | undefined;
  #batch: Uint8Array<ArrayBuffer> | undefined;
  #used = 0;
  #timer: Timer | undefined;

  constructor({ shard, clock, random = Math.random, time = Date.now, mostPendingBytes = MOST_PENDING_BYTES }: RequestLogParts) {
    this.#shard = shard;
    this.#clock = clock;
    this.#random = random;
    this.#time = time;
    this.#mostPending = mostPendingBytes;
  }

  /** Replaces the rules by model and where records go; what was recorded so far goes where it was meant to. */
  configure(rules: ReadonlyMap<string, RequestLogRule>, channel: RequestLogChannel): void {
    this.flush();
    this.#rules = rules;
    this.#channel = channel;
  }

  /** A predict call that went well. Nothing of what is given is kept. */
  predict(spec: ModelSpec, served: ServedSpec, filter: readonly string[], inputs: NamedTensors, outputs: NamedTensors): void {
    const rule = this.#drawn(served.name);
    if (rule === undefined) return;
    this.#record(rule, "predict", served, () => [
      new PredictRequestPlan(spec, inputs, filter),
      new PredictResponsePlan(served, outputs),
    ]);
  }

  /** A classify call that went well. */
  classify(spec: ModelSpec, served: ServedSpec, examples: readonly Uint8Array[] | StringArray, rows: ClassRows): void {
    const rule = this.#drawn(served.name);
    if (rule === undefined) return;
    this.#record(rule, "classify", served, () => [
      new ExampleRequestPlan(spec, listed(examples)),
      plannedBytes(encodeClassificationResponse(served, rows)),
    ]);
  }

  /** A regress call that went well. */
  regress(spec: ModelSpec, served: ServedSpec, examples: readonly Uint8Array[] | StringArray, values: Float32Array): void {
    const rule = this.#drawn(served.name);
    if (rule === undefined) return;
    this.#record(rule, "regress", served, () => [
      new ExampleRequestPlan(spec, listed(examples)),
      plannedBytes(encodeRegressionResponse(served, values)),
    ]);
  }

  /** A multi-inference call that went well; of its results the first one's signature stands in the metadata. */
  multiInference(tasks: readonly PlannedTask[], examples: readonly Uint8Array[], results: readonly InferenceResult[]): void {
    const served = results[0]?.resolved;
    const rule = served && this.#drawn(served.name);
    if (rule === undefined) return;
    this.#record(rule, "multi-inference", served!, () => [
      new MultiInferenceRequestPlan(tasks, examples),
      plannedBytes(encodeMultiInferenceResponse(results)),
    ]);
  }

  /** A session run that went well: the request as it came, whatever it was for. */
  sessionRun({ message, fetches }: SessionRunRequest, served: ServedSpec, tensors: readonly Tensor[]): void {
    const rule = this.#drawn(served.name);
    if (rule === undefined) return;
    this.#record(rule, "session-run", served, () => [
      plannedBytes(message),
      plannedBytes(encodeSessionRunResponse(served, fetches, tensors, true)),
    ]);
  }

  /** Sends on what was recorded. */
  flush(): void {
    const batch = this.#batch;
    if (batch === undefined || this.#used === 0) return;
    const used = this.#used;
    const sent = 2 * used < batch.length ? inMemoryOfItsOwn(batch.subarray(0, used)) : batch.subarray(0, used);
    if (sent.buffer === batch.buffer) this.#batch = undefined;
    this.#used = 0;
    this.#timer?.cancel();
    this.#timer = undefined;
    Atomics.add(this.#channel!.pending, 0, used);
    this.#channel!.send(sent);
  }

  #drawn(model: string): RequestLogRule | undefined {
    const rule = this.#rules.get(model);
    return rule !== undefined && this.#random() < rule.samplingRate ? rule : undefined;
  }

  #record(
    rule: RequestLogRule,
    kind: "predict" | "classify" | "regress" | "multi-inference" | "session-run",
    served: ServedSpec,
    plans: () => readonly [request: PlannedMessage, response: PlannedMessage],
  ): void {
    try {
      const metadata = new LogMetadataPlan(served, rule.samplingRate, Math.floor(this.#time() / 1000));
      const [request, response] = plans();
      const plan = new PredictionLogPlan(kind, metadata, request, response);
      if (!this.#append(rule.stream, plan)) this.#shard.counter(REQUEST_LOG_COUNT, served.name, NO_ROOM).add(1);
    } catch (reason) {
      // The request went well, whatever becomes of its record.
      this.#shard.counter(REQUEST_LOG_COUNT, served.name, statusName(ServingError.from(reason).code)).add(1);
    }
  }

  /** False when there is no room. */
  #append(stream: number, plan: PredictionLogPlan): boolean {
    const needed = RECORD_HEADER_BYTES + plan.size;
    const waiting = Atomics.load(this.#channel!.pending, 0) + this.#used;
    if (waiting + needed > this.#mostPending) return false;
    if (this.#batch !== undefined && this.#used + needed > this.#batch.length) {
      this.flush();
      this.#batch = undefined;
    }
    // Not cleared: of it only what was written is read. Not of Node's pool either, which cannot be sent.
    this.#batch ??= Buffer.allocUnsafeSlow(Math.max(BATCH_BYTES, needed));
    const writer = new ProtobufWriter(this.#batch, this.#used + RECORD_HEADER_BYTES);
    plan.write(writer);
    writeRecordHeader(this.#batch, this.#used, stream, plan.size);
    this.#used += needed;
    if (this.#used >= BATCH_BYTES) this.flush();
    else this.#timer ??= this.#clock.after(FLUSH_MS, () => this.flush());
    return true;
  }
}

/** What is sent takes its whole memory along, and waits with it, of which only what was used is counted. */
function inMemoryOfItsOwn(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy;
}

function listed(examples: readonly Uint8Array[] | StringArray): readonly Uint8Array[] {
  if (!("offsets" in examples)) return examples;
  return Array.from({ length: examples.length }, (_, index) => stringBytes(examples, index));
}
