import { setImmediate as nextTurn } from "node:timers/promises";
import { throwIfAborted } from "../base/abort.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import { statusName } from "../base/status-code.ts";
import { decodePredictionLog, type PredictionLog } from "../codec/prediction-log.ts";
import type { ServableId } from "../core/servable-id.ts";
import { MODEL_WARMUP_LATENCY, MODEL_WARMUP_RECORDS_READ } from "../metrics/definitions.ts";
import { MetricsShard } from "../metrics/metrics-shard.ts";
import type { ModelBatching } from "../model/batching.ts";
import type { Runtime, SharedModel } from "../model/runtime.ts";
import { engineModel, withProcessing } from "../processing/processed-servable.ts";
import { Inference } from "../serving/inference.ts";
import { RequestMetrics } from "../serving/request-metrics.ts";
import { ServingTable } from "../serving/serving-table.ts";
import { hasFreeRows, type MadeUpValues, madeUpInputs, seededRandom } from "../serving/warm-up-inputs.ts";
import { runLoggedRequest, runPlainRequest } from "../serving/warm-up-requests.ts";
import type { Signature } from "../tensor/signature.ts";
import { findWarmUpFile, readRecords, WARM_UP_FILE } from "./warm-up-file.ts";

/** Most records of one file that may be run; TensorFlow Serving's number. */
const MOST_RECORDS = 1000;

/** Random inputs are the same at every load. */
const SEED = 20_170_216;

/** What is run on a version before it serves; see the flags of the same names. */
export interface WarmUpOptions {
  /** `--enable_model_warmup`: false for nothing at all. */
  readonly enabled: boolean;
  /** `--num_request_iterations_for_warmup`: times each request is run in a row, at least 1. */
  readonly iterations: number;
  /** `--automatic_warmup`: inputs for a version that has no recorded requests. */
  readonly automatic: "off" | MadeUpValues;
}

/** A version that was loaded and is not served yet. */
export interface LoadedVersion {
  readonly id: ServableId;
  /** Where its files lie; a bare model's file. */
  readonly folder: string;
  readonly runtime: Pick<Runtime, "attach">;
  readonly model: SharedModel;
}

/** What a {@link WarmUp} reports to. */
export interface WarmUpParts {
  readonly shard: MetricsShard;
  readonly clock: Clock;
  readonly log: Log;
}

/** Runs a version's first requests before anybody else can: recorded ones, or made-up ones where that is wished for. */
export class WarmUp {
  readonly #parts: WarmUpParts;
  readonly #options: WarmUpOptions;

  constructor(parts: WarmUpParts, options: WarmUpOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /**
   * Warms up a version. This thread is attached to the model only when there is something to run, and detached before this settles.
   * The event loop gets its turn between any two runs.
   *
   * Rejects with a ServingError that names the record at fault when recorded requests cannot be read or run: the version must not
   * serve then. Made-up requests that fail are logged. Rejects with the signal's reason once it aborts.
   */
  async run(version: LoadedVersion, signal: AbortSignal): Promise<void> {
    const { enabled, automatic } = this.#options;
    if (!enabled) return;
    const file = await findWarmUpFile(version.folder);
    if (file !== undefined) await withInference(version, (inference) => this.#replay(version.id, file, inference, signal));
    else if (automatic !== "off") {
      await withInference(version, (inference) => this.#makeUp(version, automatic, inference, signal));
    }
  }

  /** Runs the records, counted and timed under the status they ended with. */
  async #replay(id: ServableId, file: string, inference: Inference, signal: AbortSignal): Promise<void> {
    const { shard, clock } = this.#parts;
    const start = clock.now();
    const path = `${id.name}/${id.version}`;
    let records = 0;
    let status = "OK";
    try {
      for await (const bytes of readRecords(file, signal)) {
        await this.#runRecord(id.name, bytes, records + 1, inference, signal);
        if (++records <= MOST_RECORDS) continue;
        throw new ServingError(
          "invalid-argument",
          `Number of warmup records exceeds the maximum (${MOST_RECORDS}) at ${WARM_UP_FILE}`,
        );
      }
      this.#report(id, "records", records, clock.now() - start);
    } catch (reason) {
      const error = ServingError.from(reason);
      status = `${statusName(error.code)}: ${error.message}`;
      throw error;
    } finally {
      shard.histogram(MODEL_WARMUP_LATENCY, path, status).observe((clock.now() - start) * 1000);
      shard.counter(MODEL_WARMUP_RECORDS_READ, path, status).add(records);
    }
  }

  async #runRecord(model: string, bytes: Uint8Array, number: number, inference: Inference, signal: AbortSignal): Promise<void> {
    try {
      const record = parseRecord(bytes);
      for (let iteration = 0; iteration < this.#options.iterations; iteration++) {
        await turn(signal);
        await runLoggedRequest(inference, model, record, { signal });
      }
    } catch (reason) {
      throwIfAborted(signal);
      const { code, message } = ServingError.from(reason);
      throw new ServingError(code, `${message} (record ${number} of ${WARM_UP_FILE})`, { cause: reason });
    }
  }

  /** Runs every signature on inputs of its declared types and shapes. */
  async #makeUp({ id, model }: LoadedVersion, values: MadeUpValues, inference: Inference, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    const start = clock.now();
    let requests = 0;
    for (const [name, signature] of model.signatures) {
      if (signature.uncallable !== undefined) continue;
      try {
        const sizes = hasFreeRows(signature) ? batchSizes(name, model.batching) : [1];
        requests += await this.#makeUpFor(id.name, name, signature, sizes, values, inference, signal);
      } catch (reason) {
        throwIfAborted(signal);
        const { code, message } = ServingError.from(reason);
        const fields = { model: id.name, version: String(id.version), source: values, signature: name };
        log.warn("warmup_failed", { ...fields, code: statusName(code), error: message });
      }
    }
    if (requests > 0) this.#report(id, values, requests, clock.now() - start);
  }

  async #makeUpFor(
    model: string,
    name: string,
    signature: Signature,
    sizes: readonly number[],
    values: MadeUpValues,
    inference: Inference,
    signal: AbortSignal,
  ): Promise<number> {
    const { iterations } = this.#options;
    const random = seededRandom(SEED);
    let requests = 0;
    for (const rows of sizes) {
      const inputs = madeUpInputs(signature, values, rows, random);
      for (let iteration = 0; iteration < iterations; iteration++) {
        await turn(signal);
        await runPlainRequest(inference, model, name, inputs, { signal });
      }
      requests++;
    }
    return requests;
  }

  #report(id: ServableId, source: "records" | MadeUpValues, requests: number, milliseconds: number): void {
    this.#parts.log.info("model_warmed_up", {
      model: id.name,
      version: String(id.version),
      source,
      requests,
      iterations: this.#options.iterations,
      milliseconds: Math.round(milliseconds),
    });
  }
}

/** Serves one version to nobody but `use`; its runs are in no metric of requests. */
async function withInference({ id, runtime, model }: LoadedVersion, use: (inference: Inference) => Promise<void>): Promise<void> {
  const servable = withProcessing(model, runtime.attach(engineModel(model), true));
  try {
    const table = new ServingTable();
    await table.servables.publish(id, servable);
    await use(new Inference(table, new RequestMetrics(new MetricsShard(() => undefined))));
  } finally {
    await servable.detach();
  }
}

/** One row, and the sizes that batches of the signature are filled up to. */
function batchSizes(signature: string, batching: ModelBatching | undefined): readonly number[] {
  return batching?.signatures.has(signature) ? [...new Set([1, ...batching.limits.allowedBatchSizes])] : [1];
}

/** Lets other work of the thread go first. Rejects with the signal's reason once it has aborted. */
async function turn(signal: AbortSignal): Promise<void> {
  await nextTurn();
  throwIfAborted(signal);
}

function parseRecord(bytes: Uint8Array): PredictionLog {
  try {
    return decodePredictionLog(bytes);
  } catch (reason) {
    const { message } = ServingError.from(reason);
    throw new ServingError("invalid-argument", `Failed to parse warmup record: ${message}`, { cause: reason });
  }
}
