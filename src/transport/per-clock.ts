import type { Clock } from "../base/clock.ts";

/** Gives the same thing for the same clock, made when it is first asked for. */
export function perClock<T>(make: (clock: Clock) => T): (clock: Clock) => T {
  const made = new WeakMap<Clock, { readonly value: T }>();
  return (clock) => {
    let known = made.get(clock);
    if (known === undefined) {
      known = { value: make(clock) };
      made.set(clock, known);
    }
    return known.value;
  };
}
