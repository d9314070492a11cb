import { type AspiredVersionPolicy, highestNewAspired, lowestReadyUnaspired } from "./aspired-version-policy.ts";

/**
 * Keeps at least one version answering, at the price of room for two: the last old version leaves only when an aspired one is
 * ready or none is aspired. A new version that fails keeps the old one serving.
 */
export const availabilityPreservingPolicy: AspiredVersionPolicy = (versions) => {
  const spare = lowestReadyUnaspired(versions);
  if (spare !== undefined) {
    const noneAspired = !versions.some(({ aspired }) => aspired);
    const covered = versions.some(({ aspired, state }) => aspired && state === "ready");
    const several = versions.filter(({ aspired, state }) => !aspired && state === "ready").length > 1;
    if (noneAspired || covered || several) return { unload: spare };
  }
  const load = highestNewAspired(versions);
  return load === undefined ? undefined : { load };
};
