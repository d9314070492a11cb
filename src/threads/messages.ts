import type { StatusCode } from "../base/serving-error.ts";
import type { ServableId } from "../core/servable-id.ts";
import type { Announcement } from "../metrics/announcement.ts";
import type { PageStyle } from "../metrics/spelling.ts";
import type { SharedModel } from "../model/runtime.ts";
import type { Principals } from "../security/access/principals.ts";
import type { AdminCall } from "../serving/admin.ts";
import type { DashboardCall, DashboardEvents } from "../serving/dashboard-call.ts";
import type { TrafficSplits } from "../serving/traffic-split.ts";
import type { VersionStatus } from "../serving/version-status.ts";
import type { Endpoint } from "../transport/listener.ts";
import type { TlsMaterial } from "../transport/tls/tls-material.ts";
import type { RequestLogNotice } from "./request-logs.ts";

/** An error as it crosses from one thread to another. */
export interface SentError {
  readonly code: StatusCode;
  readonly message: string;
}

/** A version, and where its calls are counted: in the row of the thread's index. Absent where they are not. */
export interface PublishedModel {
  readonly id: ServableId;
  readonly model: SharedModel;
  readonly figures?: SharedArrayBuffer;
}

/** What the control thread asks of a serving thread and waits for. */
export type ThreadRequest =
  | ({ readonly kind: "publish" } & PublishedModel)
  /** Puts another content in the place of a published version. */
  | ({ readonly kind: "replace" } & PublishedModel)
  | { readonly kind: "retire"; readonly id: ServableId }
  | { readonly kind: "listen"; readonly endpoint: Endpoint }
  | { readonly kind: "drain"; readonly timeoutMs: number };

/** What the control thread tells every serving thread; messages arrive in the order they were sent. */
export type ThreadNotice =
  | {
      readonly kind: "labels";
      readonly labels: ReadonlyMap<string, ReadonlyMap<string, bigint>>;
      readonly splits: TrafficSplits;
    }
  | { readonly kind: "statuses"; readonly model: string; readonly statuses: readonly VersionStatus[] }
  | { readonly kind: "ready"; readonly ready: boolean }
  | RequestLogNotice
  /** Sent to threads that have streams open. */
  | ({ readonly kind: "dashboard" } & DashboardEvents)
  /** Comes before any endpoint with TLS, and again when the certificate changes. */
  | { readonly kind: "tls"; readonly material: TlsMaterial }
  /** Comes before any endpoint of a server that asks who calls, and again when they change. */
  | { readonly kind: "access"; readonly principals: Principals };

/** What a serving thread asks of the control thread on behalf of a request. */
export type ControlRequest =
  | { readonly kind: "reload"; readonly config: Uint8Array }
  | { readonly kind: "admin"; readonly call: AdminCall }
  | { readonly kind: "metrics"; readonly style: PageStyle }
  | { readonly kind: "counters"; readonly names: readonly string[] }
  | { readonly kind: "dashboard"; readonly call: DashboardCall };

/** One request waiting for its answer; tickets are the asker's. */
export interface Ticketed<Body> {
  readonly kind: "request";
  readonly ticket: number;
  readonly body: Body;
}

/** The answer to a {@link Ticketed} request. */
export interface Answer {
  readonly kind: "answer";
  readonly ticket: number;
  readonly value?: unknown;
  readonly error?: SentError;
}

export type ToThread = Ticketed<ThreadRequest> | Answer | { readonly kind: "notice"; readonly body: ThreadNotice };

export type ToControl = Ticketed<ControlRequest> | Answer | { readonly kind: "metric"; readonly announcement: Announcement };
