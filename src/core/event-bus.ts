interface Subscription<E> {
  readonly listener: (event: E) => void;
  active: boolean;
}

/** Passes events to every listener, at once and in one order for all. */
export class EventBus<E> {
  /** Replaced, never changed, so that a delivery in progress is not disturbed. */
  #subscriptions: readonly Subscription<E>[] = [];
  readonly #queue: E[] = [];
  #delivering = false;
  readonly #onListenerError: (reason: unknown) => void;

  /**
   * `onListenerError` hears what a listener throws, which reaches neither the publisher nor the other listeners.
   * Default: it is thrown outside, as an uncaught error.
   */
  constructor(onListenerError: (reason: unknown) => void = throwOutside) {
    this.#onListenerError = onListenerError;
  }

  /** Calls `listener` with every event delivered from now on. Returns the means to stop that, at once. */
  subscribe(listener: (event: E) => void): () => void {
    const subscription = { listener, active: true };
    this.#subscriptions = [...this.#subscriptions, subscription];
    return () => {
      subscription.active = false;
      this.#subscriptions = this.#subscriptions.filter((other) => other !== subscription);
    };
  }

  /**
   * Returns when every listener was called. An event published by a listener is delivered after the current one, and its
   * publish returns before that.
   */
  publish(event: E): void {
    this.#queue.push(event);
    if (this.#delivering) return;
    this.#delivering = true;
    for (let next = 0; next < this.#queue.length; next++) {
      for (const subscription of this.#subscriptions) this.#deliver(subscription, this.#queue[next]!);
    }
    this.#queue.length = 0;
    this.#delivering = false;
  }

  #deliver(subscription: Subscription<E>, event: E): void {
    if (!subscription.active) return;
    try {
      subscription.listener(event);
    } catch (reason) {
      this.#onListenerError(reason);
    }
  }
}

function throwOutside(reason: unknown): void {
  queueMicrotask(() => {
    throw reason;
  });
}
