import { sharedFloats } from "../shared-arrays.ts";
import { classLabels, type Mojo } from "./mojo.ts";
import { damaged } from "./mojo-files.ts";
import type { ProgramBuilder } from "./program-builder.ts";

/** Values of a program that a model answers with. */
export type Scored =
  | ScoredClasses
  /** A matrix of one column. */
  | { readonly kind: "number"; readonly value: string }
  | { readonly kind: "cluster"; readonly value: string }
  | { readonly kind: "anomaly"; readonly score: string; readonly normalizedScore: string; readonly isAnomaly?: string }
  /** A matrix under a name of its own. */
  | {
      readonly kind: "matrix";
      readonly alias: string;
      readonly value: string;
      readonly width: number;
      readonly dtype: "float32" | "float64";
    }
  | {
      readonly kind: "reconstruction";
      readonly original: string;
      readonly reconstructed: string;
      readonly mse: string;
      readonly width: number;
    };

export interface ScoredClasses {
  readonly kind: "classes";
  /** A column for each class. */
  readonly probabilities: string;
  /** The class's number. */
  readonly number: string;
  readonly labels: readonly string[];
  /** Probabilities of two classes as they were calibrated. */
  readonly calibrated?: string;
  /** Whether answers have the columns of H2O's frames too. */
  readonly asFrame?: boolean;
}

/**
 * Probabilities with the class that they stand for.
 * @param rows what the model was given, which ties are broken by
 */
export function scoredClasses(mojo: Mojo, probabilities: string, rows: string, builder: ProgramBuilder): ScoredClasses {
  const labels = classLabels(mojo);
  const priors = mojo.settings.numbers("prior_class_distrib");
  if (priors.length !== 0 && priors.length !== labels.length) throw damaged(mojo.where, `has priors of ${priors.length} classes`);
  const number = builder.add([probabilities, rows], {
    kind: "class-number",
    threshold: mojo.settings.number("default_threshold", 0.5),
    ...(priors.length > 0 && { priors: sharedFloats(priors) }),
  });
  return { kind: "classes", probabilities, number, labels };
}

/** Probabilities as they would be if classes had not been balanced for training; the same where they were not. */
export function unbalanced({ settings, classes }: Mojo, probabilities: string, builder: ProgramBuilder): string {
  if (!settings.flag("balance_classes", false)) return probabilities;
  const priors = settings.numbers("prior_class_distrib", classes);
  const own = settings.numbers("model_class_distrib", classes);
  const ratios = sharedFloats(priors.map((prior, i) => (prior !== 0 && own[i] !== 0 ? prior / own[i]! : 1)));
  return builder.add(probabilities, { kind: "h2o-link", link: { kind: "balance", ratios } });
}
