import type { ReadXgboost } from "../pickled-booster.ts";
import { addBooster } from "./booster-steps.ts";
import { readSnapshot } from "./read-booster.ts";

/** Reads boosters for other platforms. */
export const readXgboost: ReadXgboost = (bytes, file, from, add, signal, baseIsAdded) =>
  addBooster(readSnapshot(bytes, file), { from, add, file, signal, baseIsAdded });
