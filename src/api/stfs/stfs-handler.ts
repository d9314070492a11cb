import type { Clock } from "../../base/clock.ts";
import { errorBody } from "../../codec/json/error-body.ts";
import type { Inference } from "../../serving/inference.ts";
import type { RequestMetrics } from "../../serving/request-metrics.ts";
import type { ServingTable } from "../../serving/serving-table.ts";
import type { HttpHandler } from "../../transport/http-exchange.ts";

/** What Simple TensorFlow Serving's API needs of its thread. */
export interface StfsServices {
  readonly table: ServingTable;
  readonly inference: Inference;
  readonly metrics: RequestMetrics;
  /** Longest model run, in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Told of errors that are nobody's ServingError: bugs, for the log. */
  readonly reportFault: (reason: unknown) => void;
}

/** Simple TensorFlow Serving's API. */
export function createStfsHandler(_services: StfsServices): HttpHandler {
  return () => ({ status: 501, headers: [["content-type", "application/json"]], body: errorBody("not yet") });
}
