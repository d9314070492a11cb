import { ServingError } from "../base/serving-error.ts";

/** Labels of every model: model name to label to version. */
export type VersionLabels = ReadonlyMap<string, ReadonlyMap<string, bigint>>;

/** What decides whether labels may be assigned. */
export interface LabelRules {
  isAvailable(model: string, version: bigint): boolean;
  /** Lets a new label, or one that keeps its version, name a version that is not available. */
  readonly allowUnavailable: boolean;
}

/**
 * Checks a whole new set of labels against the present one, by TensorFlow Serving's rules: a label may be given to an
 * available version; moving one to a version that is not available is never allowed.
 * @throws ServingError failed-precondition naming the version and model.
 */
export function checkLabels(next: VersionLabels, present: VersionLabels, rules: LabelRules): void {
  for (const [model, labels] of next) {
    for (const [label, version] of labels) {
      if (rules.isAvailable(model, version)) continue;
      const before = present.get(model)?.get(label);
      if (rules.allowUnavailable && (before === undefined || before === version)) continue;
      throw new ServingError(
        "failed-precondition",
        `Request to assign label to version ${version} of model ${model}, which is not currently available for inference`,
      );
    }
  }
}
