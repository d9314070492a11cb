import { ARRAY_TYPES, type DType } from "../tensor/dtype.ts";
import type { Shape } from "../tensor/shape.ts";
import { DEFAULT_SIGNATURE, type Signatures } from "../tensor/signature.ts";
import type { StringArray } from "../tensor/string-array.ts";

/** Element types as files name them. */
export type ElementType = DType;

/** Every element type. */
export const ELEMENT_TYPES: readonly ElementType[] = ["string", ...(Object.keys(ARRAY_TYPES) as DType[])];

/** The signature that what stands outside of `signatures` is about. */
export const OUTER_SIGNATURE = DEFAULT_SIGNATURE;

/** A value that a file gives for a tensor: one for every element, or the elements of a row in row-major order, nested or not. */
export type ConstantValue = number | bigint | boolean | string | readonly ConstantValue[];

/** Strings in an order: written in the file, or the name of a file that holds them. */
export type VocabularySource = string | readonly string[];

/** One number for all, or one for each position along an axis. */
export type NumberOrList = number | readonly number[];

/** What a step reads and makes where it has one of each; see `docs/reference/processing.md` for the defaults. */
interface Unary {
  readonly input?: string | undefined;
  readonly output?: string | undefined;
}

/** How a number that the new type does not have is rounded. */
export type Rounding = "truncate" | "nearest" | "floor" | "ceil";

/** What becomes of a number outside the new type's range. */
export type Overflow = "refuse" | "saturate";

/** One change to the tensors of a request or an answer, as the file declares it. */
export type ProcessingStep =
  | ({ readonly kind: "rename" } & Unary)
  | ({ readonly kind: "cast"; readonly to: DType; readonly rounding?: Rounding; readonly overflow?: Overflow } & Unary)
  | ({ readonly kind: "reshape"; readonly shape: Shape } & Unary)
  | ({ readonly kind: "transpose"; readonly axes: readonly number[] } & Unary)
  | ({ readonly kind: "layout"; readonly to: "NHWC" | "NCHW" } & Unary)
  | ({
      readonly kind: "normalize";
      readonly scale?: number | string;
      readonly mean?: NumberOrList;
      readonly std?: NumberOrList;
      readonly axis?: number;
      readonly dtype?: DType;
    } & Unary)
  | ({
      readonly kind: "min_max";
      readonly min: NumberOrList;
      readonly max: NumberOrList;
      readonly to?: readonly [number, number];
      readonly axis?: number;
      readonly dtype?: DType;
    } & Unary)
  | ({ readonly kind: "clip"; readonly min?: number; readonly max?: number } & Unary)
  | ({ readonly kind: "round"; readonly digits?: number } & Unary)
  | ({ readonly kind: "sigmoid" } & Unary)
  | ({ readonly kind: "softmax" | "log_softmax"; readonly axis?: number } & Unary)
  | ({ readonly kind: "threshold"; readonly at?: number; readonly dtype?: DType } & Unary)
  | ({ readonly kind: "argmax"; readonly axis?: number } & Unary)
  | {
      readonly kind: "top_k";
      readonly input?: string;
      readonly k: number;
      readonly values?: string;
      readonly indices?: string;
      readonly labels?: string;
      readonly vocabulary?: VocabularySource;
    }
  | ({
      readonly kind: "one_hot";
      readonly depth?: number;
      readonly vocabulary?: VocabularySource;
      readonly unknown?: "zeros";
      readonly dtype?: DType;
    } & Unary)
  | ({
      readonly kind: "lookup";
      readonly vocabulary: VocabularySource;
      readonly unknown?: number;
      readonly dtype?: DType;
    } & Unary)
  | ({ readonly kind: "labels"; readonly vocabulary: VocabularySource; readonly unknown?: string } & Unary)
  | ({
      readonly kind: "tokenize";
      readonly vocabulary: VocabularySource;
      readonly unknown: number;
      readonly length: number;
      readonly pad?: number;
      readonly lower?: boolean;
      readonly dtype?: DType;
    } & Unary)
  | ({
      readonly kind: "pad";
      readonly length: number;
      readonly value?: number | string;
      readonly side?: "right" | "left";
      readonly axis?: number;
    } & Unary)
  | {
      readonly kind: "constant";
      readonly output: string;
      readonly value: ConstantValue;
      readonly dtype?: DType;
      readonly shape?: Shape;
    }
  | { readonly kind: "concat"; readonly inputs: readonly string[]; readonly output: string; readonly dtype?: DType }
  | {
      readonly kind: "split";
      readonly input?: string;
      readonly outputs: readonly string[];
      readonly sizes?: readonly number[];
    }
  | ({
      readonly kind: "image";
      readonly height: number;
      readonly width: number;
      readonly channels?: "L" | "RGB" | "RGBA" | "BGR";
      readonly layout?: "NHWC" | "NCHW";
      readonly resize?: "stretch" | "cover" | "contain" | "none";
    } & Unary);

/** What callers give, as far as it differs from what the model's input of the same name is. */
export interface DeclaredInput {
  readonly dtype?: DType;
  readonly shape?: Shape;
  /** What is taken when a caller leaves it out. */
  readonly default?: ConstantValue;
}

/** One signature that callers see, and the model's that is run for it. */
export interface DeclaredSignature {
  /** The model's signature. */
  readonly from: string;
  readonly inputs: ReadonlyMap<string, DeclaredInput>;
  readonly preprocess: readonly ProcessingStep[];
  readonly postprocess: readonly ProcessingStep[];
  /** What is answered, in this order; everything there is when absent. */
  readonly outputs?: readonly string[];
}

/** What a version's processing file says, by the signature that callers see. Plain data. */
export interface DeclaredProcessing {
  /** The file's name, for messages. */
  readonly file: string;
  readonly signatures: ReadonlyMap<string, DeclaredSignature>;
  /** What the files hold that vocabularies are named by. */
  readonly vocabularies: ReadonlyMap<string, StringArray>;
}

/** How requests of a version are changed before the engine runs them, and answers after. Plain data: can be sent to a thread. */
export interface ModelProcessing extends DeclaredProcessing {
  /** The signatures that the engine has. */
  readonly inner: Signatures;
}
