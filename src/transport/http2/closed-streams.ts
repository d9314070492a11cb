const REMEMBERED = 128;

/**
 * Remembers a bounded number of streams that are no more, to tell apart what a late frame on one of them means: a peer that had
 * not yet seen our RST_STREAM (ignore it), one that sends after its own end (STREAM_CLOSED), or a number never used.
 */
export class ClosedStreams {
  /** Streams we reset while the peer could still send, oldest first. */
  readonly #resetByUs = new Set<number>();
  readonly #mostResets: number;
  readonly #ended = new Int32Array(REMEMBERED);
  #at = 0;

  /** `mostResets`: how many of our resets the peer may not have seen yet. */
  constructor(mostResets: number) {
    this.#mostResets = mostResets;
  }

  addEnded(id: number): void {
    this.#ended[this.#at] = id;
    this.#at = (this.#at + 1) % REMEMBERED;
  }

  addResetByUs(id: number): void {
    this.#resetByUs.add(id);
    if (this.#resetByUs.size <= this.#mostResets) return;
    for (const oldest of this.#resetByUs) {
      this.#resetByUs.delete(oldest);
      break;
    }
  }

  wasResetByUs(id: number): boolean {
    return this.#resetByUs.has(id);
  }

  hasEnded(id: number): boolean {
    return this.#ended.includes(id);
  }
}
