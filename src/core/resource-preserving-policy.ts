import { type AspiredVersionPolicy, highestNewAspired, lowestReadyUnaspired } from "./aspired-version-policy.ts";
import { isFinished } from "./loader-state.ts";

/**
 * Never holds an old version beside a new one, at the price of a gap in which none answers: loads only when every version no
 * longer aspired is gone.
 */
export const resourcePreservingPolicy: AspiredVersionPolicy = (versions) => {
  const unload = lowestReadyUnaspired(versions);
  if (unload !== undefined) return { unload };
  if (versions.some(({ aspired, state }) => !aspired && !isFinished(state))) return undefined;
  const load = highestNewAspired(versions);
  return load === undefined ? undefined : { load };
};
