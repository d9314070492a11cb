import { throwIfAborted } from "../../base/abort.ts";

/** Pixels worked on before others have their turn: about a millisecond. */
export const PIXELS_A_TURN = 256 * 1024;

/** Lets everything else that waits for the thread go first. Rejects with the signal's reason once that has aborted. */
export async function nextTurn(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  throwIfAborted(signal);
}
