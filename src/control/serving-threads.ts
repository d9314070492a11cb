import type { ServableId } from "../core/servable-id.ts";
import type { Publisher } from "../core/serving-map.ts";
import type { RequestLogging } from "../model/request-logging.ts";
import type { SharedModel } from "../model/runtime.ts";
import type { TrafficSplits } from "../serving/traffic-split.ts";
import type { VersionStatus } from "../serving/version-status.ts";

/** All that the control thread tells the serving threads. `publish` and `retire` resolve once every thread has acknowledged. */
export interface ServingThreads extends Publisher<SharedModel> {
  /**
   * Puts another content in the place of a published version. Resolves once every thread answers with it and what was in
   * flight on the old one is answered; when it rejects, the threads have gone back to the old one.
   */
  replace(id: ServableId, model: SharedModel): Promise<void>;
  /** Replaces the labels of every model (model name to label to version), and how requests that name no version are split. */
  setLabels(labels: ReadonlyMap<string, ReadonlyMap<string, bigint>>, splits: TrafficSplits): void;
  /** Replaces what is known of one model's versions, lowest first. */
  setStatuses(model: string, statuses: readonly VersionStatus[]): void;
  /** Replaces which requests are logged, by model. */
  setRequestLogs(loggings: ReadonlyMap<string, RequestLogging>): void;
  /** Whether every configured model has an available version. */
  setReady(ready: boolean): void;
}
