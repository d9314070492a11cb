/**
 * Calls `action`, which must not throw, once a promise has settled either way, then settles as it did. Like `Promise.finally` without
 * the promises and turns that it takes to wait for what `action` might return: for what is awaited with every request.
 */
export function afterSettled<T>(promise: Promise<T>, action: () => void): Promise<T> {
  return promise.then(
    (value) => {
      action();
      return value;
    },
    (reason: unknown) => {
      action();
      throw reason;
    },
  );
}
