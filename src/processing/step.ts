import type { ProcessingStep, VocabularySource } from "../model/processing.ts";
import type { RunContext } from "../model/servable.ts";
import type { TensorInfo } from "../tensor/signature.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { ValueInfo } from "./value-info.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** A tensor's name and what is known of it. */
export interface NamedInfo extends ValueInfo {
  readonly alias: string;
}

/** What a step is made for. */
export interface StepScope {
  /** The tensor that a step reads: the one of this name, or the only one. @throws ServingError invalid-argument for none. */
  read(alias: string | undefined): NamedInfo;
  /** @throws ServingError invalid-argument when it cannot be had. */
  vocabulary(source: VocabularySource): Vocabulary;
  /** The engine's input of this name, for what is made to be given to it. */
  target(alias: string): TensorInfo | undefined;
}

/** What a step is told at each run besides its tensors. */
export interface StepContext {
  /** Rows of the request, for tensors that are made of nothing. */
  readonly rows: number;
  readonly run: RunContext | undefined;
}

/** A step that was checked against what it will read. */
export interface StepPlan {
  /** Aliases, in the order that {@link run} takes their tensors. */
  readonly reads: readonly string[];
  /** Aliases and what they will be, in the order of {@link run}'s results. */
  readonly makes: readonly (readonly [alias: string, info: ValueInfo])[];
  /** What is gone after the step. */
  readonly removes?: string;
  /**
   * Makes the tensors; may give back what it was given. Tensors have the declared dtypes and numbers of dimensions.
   * @throws ServingError invalid-argument, thrown or rejected, for values that the step cannot take.
   */
  readonly run: (tensors: readonly Tensor[], context: StepContext) => readonly Tensor[] | Promise<readonly Tensor[]>;
}

/** The step of a kind. */
export type StepOf<Kind extends ProcessingStep["kind"]> = Extract<ProcessingStep, { readonly kind: Kind }>;

/** Makes the plan of one kind of step. @throws ServingError invalid-argument when it does not fit what it reads. */
export type Planner<Kind extends ProcessingStep["kind"]> = (step: StepOf<Kind>, scope: StepScope) => StepPlan;

/** The plan of a step that makes one tensor of one; without `output`, in its place. */
export function unaryPlan(
  { alias }: NamedInfo,
  output: string | undefined,
  info: ValueInfo,
  run: (tensor: Tensor, context: StepContext) => Tensor,
): StepPlan {
  return { reads: [alias], makes: [[output ?? alias, info]], run: ([tensor], context) => [run(tensor!, context)] };
}
