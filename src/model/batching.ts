/** How requests of one version are put together. Plain data; TensorFlow Serving's BatchingParameters with every choice made. */
export interface BatchLimits {
  /** Most rows one request may have. */
  readonly maxBatchSize: number;
  /** Most rows run at once: {@link maxBatchSize} unless requests are split. */
  readonly maxExecutionBatchSize: number;
  /** Whether a request that does not fit into a batch is run in several. */
  readonly splitsLargeBatches: boolean;
  /** Longest a batch that is not full waits for more while it could be run, in milliseconds. */
  readonly batchTimeoutMs: number;
  /** Most batches that wait in one queue, at least 1. */
  readonly maxEnqueuedBatches: number;
  /** Batches are filled up to the next of these; ascending, empty for any size. */
  readonly allowedBatchSizes: readonly number[];
  /** Whether requests whose rows differ in size are run together, the smaller rows padded. */
  readonly padsVariableLengthInputs: boolean;
}

/** What there is to know of a signature whose requests can be run together. */
export interface BatchedSignature {
  /** Optional inputs without a free first dimension: a request that gives one of them is run by itself. */
  readonly unbatchedInputs: readonly string[];
}

/** How a loaded version's requests are put together. Plain data: travels with the model to the serving threads. */
export interface ModelBatching {
  readonly limits: BatchLimits;
  /** The signatures that can be batched; the others are run request by request. */
  readonly signatures: ReadonlyMap<string, BatchedSignature>;
}

/** How the whole server batches. Plain data. */
export interface ServerBatching {
  /** Of versions that do not bring their own. */
  readonly limits: BatchLimits;
  /** Whether a version is batched only by a `batching_params.pbtxt` of its own. */
  readonly perModel: boolean;
  /** Most batches on their way at once, of all serving threads together. */
  readonly threads: number;
}

/**
 * What a config says of how one model is batched: TensorFlow Serving's BatchingParameters but for what is the server's business. What
 * is absent has the defaults of those. Plain data.
 */
export interface BatchingChoice {
  readonly maxBatchSize?: number;
  readonly batchTimeoutMicros?: number;
  readonly maxEnqueuedBatches?: number;
  readonly allowedBatchSizes?: readonly number[];
  readonly padVariableLengthInputs?: boolean;
  readonly enableLargeBatchSplitting?: boolean;
  readonly maxExecutionBatchSize?: number;
}
