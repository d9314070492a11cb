/** What a serving thread asks of the control thread for its dashboards. Plain data: can be sent to another thread. */
export type DashboardCall =
  /** The present state, and the figures of the last minutes: JSON. */
  | { readonly kind: "state" }
  | { readonly kind: "figures" }
  /** What happened to a model's versions: JSON; nothing for a name that was never seen. */
  | { readonly kind: "history"; readonly model: string }
  /** How many streams the thread has open from now on, and how many of them take figures too. Nothing is answered. */
  | { readonly kind: "watchers"; readonly all: number; readonly figures: number };

/** What a stream of events carries. */
export type DashboardTopic = "state" | "figures";

/** Ready-made events for every stream of a thread that takes the topic. Plain data: can be sent to another thread. */
export interface DashboardEvents {
  readonly topic: DashboardTopic;
  /** In the form of `text/event-stream`. */
  readonly chunk: Uint8Array;
}
