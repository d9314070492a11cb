import type { ServingError } from "../base/serving-error.ts";
import type { ServableId } from "./servable-id.ts";

/** The exposed states of a version, in the words of TensorFlow Serving's API. */
export type ManagerState = "START" | "LOADING" | "AVAILABLE" | "UNLOADING" | "END";

/** What the world is told about a version, at each move. */
export interface ServableState {
  readonly id: ServableId;
  readonly managerState: ManagerState;
  /** Why the version ended, undefined while all is well (OK). Only END carries an error. */
  readonly health: ServingError | undefined;
}

const RANK: Readonly<Record<ManagerState, number>> = { START: 0, LOADING: 1, AVAILABLE: 2, UNLOADING: 3, END: 4 };

/** Whether `to` may be told after `from`: a later state, or anything once the version ended, which begins a new life. */
export function isForward(from: ManagerState, to: ManagerState): boolean {
  return from === "END" || RANK[to] > RANK[from];
}
