import { ServingError } from "../../base/serving-error.ts";

/** What CNTK 2 saves everything as: values by name. */
export type Dictionary = ReadonlyMap<string, DictionaryValue>;

/** A value of a dictionary. */
export type DictionaryValue =
  | boolean
  | number
  | string
  | StoredShape
  | StoredAxis
  | StoredArray
  | readonly DictionaryValue[]
  | Dictionary;

/** A size as it is stored: to be inferred, of a shape nobody knows, or told by what is fed. */
export type StoredSize = number | "inferred" | "unknown" | "free";

/** Sizes in CNTK's order: the one whose elements lie side by side comes first, and there is none of the batch. */
export interface StoredShape {
  readonly kind: "shape";
  readonly sizes: readonly StoredSize[];
}

/** An axis: counted in CNTK's order, or a dynamic one by its name. */
export interface StoredAxis {
  readonly kind: "axis";
  readonly index: number;
  readonly name: string;
}

/** The dtypes of arrays. */
export type StoredDType = "float32" | "float64" | "float16";

/** A parameter's or constant's value; where it lies. */
export interface StoredArray {
  readonly kind: "array";
  /** Undefined for one that is not known here. */
  readonly dtype: StoredDType | undefined;
  readonly sparse: boolean;
  readonly sizes: readonly StoredSize[];
  /** Ranges of the message's bytes that hold it; none where it lies behind the message. */
  readonly ranges: readonly { readonly start: number; readonly end: number }[];
}

/** The error for a file that cannot be what CNTK wrote. */
export function damaged(what: string): ServingError {
  return new ServingError("data-loss", `${what}; save the model again`);
}

/** Whether a value is a shape, an axis or an array. */
export function isStored<Kind extends "shape" | "axis" | "array">(
  value: DictionaryValue | undefined,
  kind: Kind,
): value is Extract<StoredShape | StoredAxis | StoredArray, { readonly kind: Kind }> {
  return typeof value === "object" && "kind" in value && value.kind === kind;
}
