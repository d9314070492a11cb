import type { StatusCode } from "../base/serving-error.ts";

/** How a reload ended. */
export interface ReloadOutcome {
  readonly code: StatusCode | "ok";
  readonly message: string;
}

/** What only the control thread can do; serving threads ask it by message. */
export interface ControlCalls {
  /** Replaces the served models by a serialized `tensorflow.serving.ModelServerConfig`. Resolves with the outcome, errors included. */
  reload(config: Uint8Array): Promise<ReloadOutcome>;
  /** All metrics as Prometheus text. */
  metrics(): Promise<string>;
  /** Current values of counters by their exposition names, summed over labels; absent when unknown. */
  counters(names: readonly string[]): Promise<readonly (number | undefined)[]>;
}
