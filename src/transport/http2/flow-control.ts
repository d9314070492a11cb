/** Largest window (RFC 9113 section 6.9.1). */
export const MAX_WINDOW = 0x7fffffff;

/** Every window before SETTINGS or WINDOW_UPDATE change it (RFC 9113 section 6.9.2). */
export const DEFAULT_WINDOW = 65_535;

/** A send window after an increment or a change of the initial size (may be negative); undefined when it would overflow. */
export function changedWindow(window: number, change: number): number | undefined {
  const changed = window + change;
  return changed > MAX_WINDOW ? undefined : changed;
}

/**
 * How much a peer may still send, and when to tell it that it may send more.
 *
 * Increments are given out once half of `size` was taken in, so that a large body costs few WINDOW_UPDATE frames.
 */
export class ReceiveWindow {
  readonly #size: number;
  #available: number;
  #released = 0;

  /** `announced` is what the peer believes to have now; never less than what it may send. */
  constructor(size: number, announced: number = size) {
    this.#size = size;
    this.#available = announced;
    this.#released = size - announced;
  }

  /** Charges a DATA frame; false when the peer sent more than it may. */
  receive(length: number): boolean {
    this.#available -= length;
    return this.#available >= 0;
  }

  /** Gives back what was taken in; returns the increment to announce now, or 0 to wait for more. */
  release(length: number): number {
    this.#released += length;
    if (this.#released * 2 < this.#size) return 0;
    return this.announce();
  }

  /** The increment that opens the window fully, now. */
  announce(): number {
    const increment = this.#released;
    this.#released = 0;
    this.#available += increment;
    return increment;
  }
}
