import { useEffect, useState } from "preact/hooks";

/** A value that parts of the page watch. */
export interface Store<T> {
  get(): T;
  /** Tells all who watch, when it is another value. */
  set(value: T): void;
  /** Returns how to stop. */
  watch(listener: () => void): () => void;
}

/** A store that holds `value` at first. */
export function createStore<T>(value: T): Store<T> {
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set: (next) => {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of listeners) listener();
    },
    watch: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The store's value; the component is drawn anew when it changes. */
export function useStore<T>(store: Store<T>): T {
  const [, redraw] = useState(0);
  useEffect(() => {
    const seen = store.get();
    const stop = store.watch(() => redraw((count) => count + 1));
    if (!Object.is(seen, store.get())) redraw((count) => count + 1);
    return stop;
  }, [store]);
  return store.get();
}
