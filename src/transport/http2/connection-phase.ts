/** Where an HTTP/2 connection is; {@link PHASE_MOVES} says where it may go. */
export type Phase =
  | "serving"
  /** GOAWAY with the highest number and a PING are on their way; new streams are still taken. */
  | "draining"
  /** GOAWAY with the final number is out; new streams are ignored. */
  | "last"
  /** All is answered and our side closed; input is dropped. */
  | "lingering"
  /** GOAWAY for a fault is out and our side closed; input is dropped. */
  | "failed"
  | "closed";

/** The table of moves; one that is missing must not happen. */
export const PHASE_MOVES: Readonly<Record<Phase, readonly Phase[]>> = {
  serving: ["draining", "last", "failed", "closed"],
  draining: ["last", "failed", "closed"],
  last: ["lingering", "failed", "closed"],
  lingering: ["closed"],
  failed: ["closed"],
  closed: [],
};
