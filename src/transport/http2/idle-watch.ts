/** Tells an idle connection from a busy one by what a look once a second sees. */
export class IdleWatch {
  #lastStreamId = -1;
  #since = 0;

  /** Milliseconds without a stream, counted from the first look that saw none; 0 while there is one or was since the last look. */
  idleMs(openStreams: number, lastStreamId: number, now: number): number {
    if (openStreams > 0 || this.#lastStreamId !== lastStreamId) {
      this.#lastStreamId = lastStreamId;
      this.#since = now;
    }
    return now - this.#since;
  }
}
