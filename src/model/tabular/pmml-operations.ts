import type { PmmlField, PmmlFunction, PmmlType, PmmlValue } from "./pmml-fields.ts";
import type { PmmlModel, PmmlNodes } from "./pmml-models.ts";

/** What a request's row has for a PMML document. */
export interface PmmlColumn {
  readonly name: string;
  readonly type: PmmlType;
  /** Whether it comes as texts; else as numbers. */
  readonly texts: boolean;
  /** Whether a row has several texts of it: the items of a basket. */
  readonly lists?: boolean;
}

/** A result of a document: the target or an output. */
export interface PmmlResult {
  readonly name: string;
  readonly type: PmmlType;
  /** Whether a row has several values, which are answered as a matrix of as many columns as the row with most. */
  readonly several: boolean;
}

/** Rows that the document says the results of. */
export interface PmmlVerification {
  /** What errors call the document. */
  readonly file: string;
  readonly rows: readonly {
    /** By column; null is missing. */
    readonly given: readonly (PmmlValue | null)[];
    readonly expected: readonly {
      readonly result: number;
      readonly value: PmmlValue;
      readonly precision: number;
      readonly zeroThreshold: number;
    }[];
  }[];
}

/** The first model of a PMML document: all its results of a row at once. Indices and slots are checked by whoever makes it. */
export interface PmmlOperation {
  readonly kind: "pmml";
  /** By column. */
  readonly from: readonly string[];
  /** By result; then the scores of labels, where there are labels. */
  readonly to: readonly string[];
  readonly columns: readonly PmmlColumn[];
  /** Slots of what a request has: their values are checked even where the model does not look at them. */
  readonly checked: Int32Array;
  readonly fields: readonly PmmlField[];
  readonly functions: readonly PmmlFunction[];
  readonly nodes: PmmlNodes;
  readonly model: PmmlModel;
  readonly results: readonly PmmlResult[];
  /** Labels whose probabilities are answered, for classify calls. */
  readonly labels?: readonly PmmlValue[];
  readonly verification?: PmmlVerification;
}
