/** What has something to do after all work of a turn of the event loop. */
export interface TurnEnd {
  endTurn(): void;
}

/** Filled between {@link beginTurn} and {@link endTurn}. */
let due: TurnEnd[] | undefined;

/** Calls `endTurn` once the work at hand is done, before the thread waits for more. */
export function atTurnEnd(entry: TurnEnd): void {
  if (due === undefined) process.nextTick(callTurnEnd, entry);
  else due.push(entry);
}

/**
 * Calls `endTurn` once all that had arrived was read: at the end of the turn, or, where Node tells of each socket by itself, after it
 * told of the others.
 */
export function afterArrivals(entry: TurnEnd): void {
  if (due === undefined) afterOthers(() => entry.endTurn());
  else due.push(entry);
}

/** Begins a turn whose end {@link endTurn} tells, instead of Node. */
export function beginTurn(): void {
  due ??= [];
}

/** Ends what {@link beginTurn} began. Throws what an entry throws; those after it are called by Node then. */
export function endTurn(): void {
  const entries = due;
  if (entries === undefined) return;
  let index = 0;
  try {
    // What an entry adds is done in the same round: the list grows as it is walked.
    for (; index < entries.length; index++) entries[index]!.endTurn();
  } finally {
    due = undefined;
    // One that throws keeps nothing from the others.
    for (index++; index < entries.length; index++) process.nextTick(callTurnEnd, entries[index]);
  }
}

function callTurnEnd(entry: TurnEnd): void {
  entry.endTurn();
}

let waiting = 0;

/** Calls `action` after other connections had a turn. */
export function afterOthers(action: () => void): void {
  waiting++;
  setImmediate(() => {
    waiting--;
    action();
  });
}

/** Whether something waits in {@link afterOthers}: the thread must not sleep. */
export function othersWait(): boolean {
  return waiting > 0;
}
