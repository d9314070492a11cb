import type { Publisher } from "../core/serving-map.ts";
import type { SharedModel } from "../model/runtime.ts";
import type { VersionStatus } from "../serving/version-status.ts";

/** All that the control thread tells the serving threads. `publish` and `retire` resolve once every thread has acknowledged. */
export interface ServingThreads extends Publisher<SharedModel> {
  /** Replaces the labels of every model: model name to label to version. */
  setLabels(labels: ReadonlyMap<string, ReadonlyMap<string, bigint>>): void;
  /** Replaces what is known of one model's versions, lowest first. */
  setStatuses(model: string, statuses: readonly VersionStatus[]): void;
  /** Whether every configured model has an available version. */
  setReady(ready: boolean): void;
}
