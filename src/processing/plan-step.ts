import type { ProcessingStep } from "../model/processing.ts";
import type { Planner, StepPlan, StepScope } from "./step.ts";
import { planLayout, planRename, planReshape, planTranspose } from "./steps/arrange.ts";
import { planCast } from "./steps/cast.ts";
import { planConcat, planSplit } from "./steps/columns.ts";
import { planClip, planRound, planSigmoid, planThreshold } from "./steps/elementwise.ts";
import { planConstant, planPad } from "./steps/fill.ts";
import { planImage } from "./steps/image.ts";
import { planArgmax, planTopK } from "./steps/largest.ts";
import { planMinMax, planNormalize } from "./steps/scale.ts";
import { planSoftmax } from "./steps/softmax.ts";
import { planLabels, planLookup, planOneHot, planTokenize } from "./steps/words.ts";

const PLANNERS: { readonly [Kind in ProcessingStep["kind"]]: Planner<Kind> } = {
  rename: planRename,
  cast: planCast,
  reshape: planReshape,
  transpose: planTranspose,
  layout: planLayout,
  normalize: planNormalize,
  min_max: planMinMax,
  clip: planClip,
  round: planRound,
  sigmoid: planSigmoid,
  softmax: planSoftmax,
  log_softmax: planSoftmax,
  threshold: planThreshold,
  argmax: planArgmax,
  top_k: planTopK,
  one_hot: planOneHot,
  lookup: planLookup,
  labels: planLabels,
  tokenize: planTokenize,
  pad: planPad,
  constant: planConstant,
  concat: planConcat,
  split: planSplit,
  image: planImage,
};

/** Checks a step against what it reads. @throws ServingError invalid-argument. */
export function planStep(step: ProcessingStep, scope: StepScope): StepPlan {
  return (PLANNERS[step.kind] as (step: ProcessingStep, scope: StepScope) => StepPlan)(step, scope);
}
