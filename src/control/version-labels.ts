import { ServingError } from "../base/serving-error.ts";
import type { ModelConfig } from "../config/model-config.ts";
import type { TrafficSplits } from "../serving/traffic-split.ts";

/** A label may not be given to a version that is not available. */
export class LabelRefusal extends ServingError {
  readonly model: string;
  readonly label: string;

  constructor(model: string, label: string, version: bigint) {
    super(
      "failed-precondition",
      `Request to assign label to version ${version} of model ${model}, which is not currently available for inference`,
    );
    this.model = model;
    this.label = label;
  }
}

/** Labels of every model: model name to label to version. */
export type VersionLabels = ReadonlyMap<string, ReadonlyMap<string, bigint>>;

/** What decides whether labels may be assigned. */
export interface LabelRules {
  isAvailable(model: string, version: bigint): boolean;
  /** Lets a new label, or one that keeps its version, name a version that is not available. */
  readonly allowUnavailable: boolean;
  /** Lets every label name any version. */
  readonly forceUnavailable: boolean;
}

/** The labels that these models are configured with. */
export function labelsOf(models: readonly ModelConfig[]): VersionLabels {
  return new Map(models.map(({ name, labels }) => [name, labels]));
}

/** The traffic splits that these models are configured with. */
export function splitsOf(models: readonly ModelConfig[]): TrafficSplits {
  return new Map(
    models.filter(({ trafficSplit }) => trafficSplit.size > 0).map(({ name, trafficSplit }) => [name, trafficSplit]),
  );
}

/**
 * Checks a whole new set of labels against the present one, by TensorFlow Serving's rules: a label may be given to an
 * available version; with `allowUnavailable` a new label may name any version, but one that is there may not be moved to a
 * version that is not available; with `forceUnavailable` nothing is refused.
 * @throws LabelRefusal, which is failed-precondition, naming the version and model.
 */
export function checkLabels(next: VersionLabels, present: VersionLabels, rules: LabelRules): void {
  if (rules.forceUnavailable) return;
  for (const [model, labels] of next) {
    for (const [label, version] of labels) {
      if (rules.isAvailable(model, version)) continue;
      const before = present.get(model)?.get(label);
      if (rules.allowUnavailable && (before === undefined || before === version)) continue;
      throw new LabelRefusal(model, label, version);
    }
  }
}
