import { useEffect, useState } from "preact/hooks";
import { CallFault } from "./server-calls.ts";

/** What was asked of the server. */
export type Loaded<T> =
  | { readonly kind: "loading" }
  | { readonly kind: "loaded"; readonly value: T }
  | { readonly kind: "failed"; readonly message: string };

/**
 * What `load` gives, asked anew when one of `keys` changes. Until the new answer is there the old one is shown only if `keep`; an
 * answer that comes too late is dropped.
 */
export function useLoaded<T>(load: () => Promise<T>, keys: readonly unknown[], { keep = false } = {}): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ kind: "loading" });
  useEffect(() => {
    let wanted = true;
    if (!keep) setLoaded({ kind: "loading" });
    load().then(
      (value) => wanted && setLoaded({ kind: "loaded", value }),
      (fault: unknown) => wanted && setLoaded({ kind: "failed", message: faultText(fault) }),
    );
    return () => {
      wanted = false;
    };
  }, keys);
  return loaded;
}

/** A fault of a call in words, with its status. */
export function faultText(fault: unknown): string {
  if (!(fault instanceof CallFault)) return fault instanceof Error ? fault.message : String(fault);
  return fault.status === 0 ? fault.message : `${fault.status}: ${fault.message}`;
}
