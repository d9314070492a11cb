/** The event loop of a thread as batching sees it: requests arrive in turns. */
export interface Turns {
  /** Calls `entry.endTurn` once after all that arrived in this turn was read. To be asked again only after that. */
  atEnd(entry: { endTurn(): void }): void;
  /** Calls `action` after others had a turn, without a sleep before it. */
  soon(action: () => void): void;
}
