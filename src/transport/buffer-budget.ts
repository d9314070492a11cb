/** Bodies up to this size are taken even when the budget is spent: small requests are answered whatever others keep. */
export const SMALL_BODY_BYTES = 4096;

/** What a caller is told whose request finds the budget spent. */
export const BUDGET_SPENT = "the server holds as many request bodies and answers as it may at once, try again later";

/**
 * How many bytes of requests and answers all connections of a thread may keep at once. Each connection says what it keeps by an
 * account of its own, and asks {@link exhausted} before it keeps more; so the limit is passed by no more than what one read of each
 * connection brings.
 */
export class BufferBudget {
  /** Whether no connection may begin to keep more. */
  exhausted = false;
  readonly #limit: number;
  #held = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes that all accounts together keep. */
  get held(): number {
    return this.#held;
  }

  account(): BufferAccount {
    return new BufferAccount(this);
  }

  /** Adds what an account keeps more, or less. */
  change(bytes: number): void {
    this.#held += bytes;
    this.exhausted = this.#held >= this.#limit;
  }
}

/** One connection's part of a {@link BufferBudget}. */
export class BufferAccount {
  readonly #budget: BufferBudget;
  #held = 0;

  constructor(budget: BufferBudget) {
    this.#budget = budget;
  }

  /** Says how many bytes the connection keeps now; 0 when it is gone. */
  set(bytes: number): void {
    if (bytes === this.#held) return;
    this.#budget.change(bytes - this.#held);
    this.#held = bytes;
  }
}

/** For whoever has none to share. */
export function unboundedBuffers(): BufferBudget {
  return new BufferBudget(Number.POSITIVE_INFINITY);
}
