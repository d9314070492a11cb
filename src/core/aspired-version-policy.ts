import type { LoaderState } from "./loader-state.ts";

/** What a policy sees of one managed version. */
export interface VersionView {
  readonly version: bigint;
  readonly aspired: boolean;
  readonly state: LoaderState;
}

/** One thing to do for a name. */
export type Action = { readonly load: bigint } | { readonly unload: bigint };

/**
 * Chooses the next action for one name, or undefined to wait. Pure; asked again after every change, with all versions the
 * manager holds of the name, each once, in any order. It may load only a `new` version and unload only a `ready` one.
 */
export type AspiredVersionPolicy = (versions: readonly VersionView[]) => Action | undefined;

/** The highest version that is aspired and untouched. */
export function highestNewAspired(versions: readonly VersionView[]): bigint | undefined {
  let highest: bigint | undefined;
  for (const { version, aspired, state } of versions) {
    if (aspired && state === "new" && (highest === undefined || version > highest)) highest = version;
  }
  return highest;
}

/** The lowest version that is ready and no longer aspired. */
export function lowestReadyUnaspired(versions: readonly VersionView[]): bigint | undefined {
  let lowest: bigint | undefined;
  for (const { version, aspired, state } of versions) {
    if (!aspired && state === "ready" && (lowest === undefined || version < lowest)) lowest = version;
  }
  return lowest;
}
