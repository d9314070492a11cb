import type { ManagerState } from "./servable-state.ts";

/** Where a managed version stands, in the manager's own words; finer than the exposed states. */
export type LoaderState =
  | "new"
  | "load-requested"
  | "load-approved"
  | "loading"
  | "ready"
  | "unload-requested"
  | "quiescing"
  | "quiesced"
  | "unloading"
  | "disabled"
  | "error";

/** From each state, the states that may follow. `new` ends as `disabled` when it is dropped untouched. */
const MOVES: Readonly<Record<LoaderState, readonly LoaderState[]>> = {
  new: ["load-requested", "disabled", "error"],
  "load-requested": ["load-approved", "error"],
  "load-approved": ["loading", "error"],
  loading: ["ready", "error"],
  ready: ["unload-requested"],
  "unload-requested": ["quiescing"],
  quiescing: ["quiesced", "error"],
  quiesced: ["unloading"],
  unloading: ["disabled", "error"],
  disabled: [],
  error: [],
};

const EXPOSED: Readonly<Record<LoaderState, ManagerState>> = {
  new: "START",
  "load-requested": "START",
  "load-approved": "START",
  loading: "LOADING",
  ready: "AVAILABLE",
  "unload-requested": "UNLOADING",
  quiescing: "UNLOADING",
  quiesced: "UNLOADING",
  unloading: "UNLOADING",
  disabled: "END",
  error: "END",
};

/** Whether a version may go from one state straight to the other. */
export function canMove(from: LoaderState, to: LoaderState): boolean {
  return MOVES[from].includes(to);
}

/** What the world is shown of an internal state. */
export function exposedState(state: LoaderState): ManagerState {
  return EXPOSED[state];
}

/** Whether nothing more happens to a version in this state. */
export function isFinished(state: LoaderState): boolean {
  return MOVES[state].length === 0;
}
