import type { StatusCode } from "../base/serving-error.ts";
import type { PageStyle } from "../metrics/spelling.ts";
import type { DashboardCall } from "./dashboard-call.ts";

/** How a reload ended. */
export interface ReloadOutcome {
  readonly code: StatusCode | "ok";
  readonly message: string;
}

/** What a change of one model asks for besides. Plain data: can be sent to another thread. */
export interface ChangeTerms {
  /** Tags, one of which the model's config must have now; `*` for any. Empty: whatever it has. */
  readonly ifMatch: readonly string[];
  /** Only when there is no such model yet. */
  readonly ifNew: boolean;
  /** Answer once the model has a version available or has failed. */
  readonly wait: boolean;
  /** Write all models back to the config file. */
  readonly write: boolean;
}

/** A request of the admin API. */
export type AdminCall =
  | { readonly kind: "list" }
  | { readonly kind: "get"; readonly model: string }
  /** `config` is the model's config as JSON. */
  | { readonly kind: "put"; readonly model: string; readonly config: string; readonly terms: ChangeTerms }
  | { readonly kind: "delete"; readonly model: string; readonly terms: ChangeTerms };

/** What became of a request of the admin API that was not refused. */
export type AdminAnswer =
  /** `config` as JSON, `tag` for {@link ChangeTerms.ifMatch}. */
  | { readonly kind: "found" | "created" | "replaced"; readonly config: string; readonly tag: string }
  | { readonly kind: "deleted" }
  /** The terms do not hold: somebody else was first. */
  | { readonly kind: "mismatch"; readonly message: string };

/** What only the control thread can do; serving threads ask it by message. */
export interface ControlCalls {
  /** Replaces the served models by a serialized `tensorflow.serving.ModelServerConfig`. Resolves with the outcome, errors included. */
  reload(config: Uint8Array): Promise<ReloadOutcome>;
  /** Reads or changes the config of one model. Rejects with a ServingError when it is refused. */
  admin(call: AdminCall): Promise<AdminAnswer>;
  /** A page of all metrics, in pieces of UTF-8 text. */
  metrics(style: PageStyle): Promise<readonly Uint8Array[]>;
  /** Current values of counters by their exposition names, summed over labels; absent when unknown. */
  counters(names: readonly string[]): Promise<readonly (number | undefined)[]>;
  /** What a dashboard wants to know, as JSON; undefined where there is nothing. */
  dashboard(call: DashboardCall): Promise<Uint8Array | undefined>;
}
