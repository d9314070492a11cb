/** How logged requests lie in their files. */
export type RequestLogFormat =
  /** A TFRecord file of `tensorflow.serving.PredictionLog`, which serves as a warm-up file too. */
  | "tfrecord"
  /** One JSON object a line. */
  | "jsonl";

/** Which of a model's requests are logged, and where to. Plain data. */
export interface RequestLogging {
  /** The share of requests that went well to log, from 0 to 1. */
  readonly samplingRate: number;
  /** Absolute; a file's name is this, when it was begun, and a number. */
  readonly filenamePrefix: string;
  readonly format: RequestLogFormat;
}
