import type { ServableData } from "./servable-data.ts";

/** Takes lists of aspired versions. */
export interface Target<D> {
  /**
   * Says which versions of `name` should be loaded: the complete list, so that a version not in it is no longer aspired and
   * an empty one unloads the name. Every item's id carries `name`. Returns at once; a later list for a name replaces an
   * earlier one that was not acted upon yet.
   */
  setAspiredVersions(name: string, versions: readonly ServableData<D>[]): void;
}
