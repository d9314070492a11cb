/**
 * Types of PMML's values. Numbers stand for dates and times: days since 1970-01-01, seconds since midnight, seconds since 1970-01-01; the types
 * that count since another year have their own numbers.
 */
export type PmmlType =
  | "string"
  | "integer"
  | "float"
  | "double"
  | "boolean"
  | "date"
  | "time"
  | "dateTime"
  | "timeSeconds"
  | `dateDaysSince[${number}]`
  | `dateTimeSecondsSince[${number}]`;

/** A value that is not missing; null stands for one that is. */
export type PmmlValue = string | number | boolean;

export type PmmlOptype = "continuous" | "categorical" | "ordinal";

/** Numbers between two margins, which belong to it where they are closed. */
export interface PmmlInterval {
  readonly low: number;
  readonly high: number;
  readonly lowClosed: boolean;
  readonly highClosed: boolean;
}

/** Which values of a field are valid. */
export interface PmmlValidity {
  /** What stands for a missing value, as a request has it: texts of fields that come as texts, else numbers. */
  readonly missing: readonly PmmlValue[];
  readonly invalid: readonly PmmlValue[];
  /** With values or intervals, only these are valid. */
  readonly values: readonly PmmlValue[];
  readonly intervals: readonly PmmlInterval[];
}

/** What a mining field does with values before the model sees them. */
export interface PmmlTreatment {
  readonly outliers: "asIs" | "asMissingValues" | "asExtremeValues";
  readonly low: number;
  readonly high: number;
  readonly invalid: "returnInvalid" | "asIs" | "asMissing" | "asValue";
  /** For `asValue`; null leaves it missing. */
  readonly invalidReplacement: PmmlValue | null;
  /** Whether a missing value is the request's error. */
  readonly refusesMissing: boolean;
  readonly missingReplacement: PmmlValue | null;
}

/** Where the value of a field comes from. */
export type PmmlSource =
  /** The request: column `column` of the operation's inputs. */
  | { readonly kind: "input"; readonly column: number; readonly validity: PmmlValidity; readonly treatment: PmmlTreatment }
  /** Another field, with a treatment of its own. */
  | { readonly kind: "treated"; readonly of: number; readonly validity: PmmlValidity; readonly treatment: PmmlTreatment }
  | { readonly kind: "derived"; readonly expression: PmmlExpression }
  /** A model, which sets it: an output, or the parameter of a function. */
  | { readonly kind: "given" };

/** A field of a row. Its place in the list of fields is its slot. */
export interface PmmlField {
  readonly name: string;
  readonly type: PmmlType;
  readonly optype: PmmlOptype;
  /** Values of an ordinal field, from the least on. */
  readonly order?: readonly PmmlValue[];
  readonly source: PmmlSource;
}

/** Functions that are built in, by PMML's names. */
export type PmmlFunctionName =
  | PmmlArithmetic
  | PmmlMathFunction
  | "min"
  | "max"
  | "sum"
  | "avg"
  | "product"
  | "median"
  | "threshold"
  | "isMissing"
  | "isNotMissing"
  | "isValid"
  | "isNotValid"
  | PmmlComparison
  | "and"
  | "or"
  | "not"
  | "isIn"
  | "isNotIn"
  | "if"
  | "uppercase"
  | "lowercase"
  | "stringLength"
  | "substring"
  | "trimBlanks"
  | "concat"
  | "replace"
  | "matches"
  | "formatNumber"
  | "formatDatetime"
  | "dateDaysSinceYear"
  | "dateSecondsSinceYear"
  | "dateSecondsSinceMidnight"
  | "normalCDF"
  | "normalPDF"
  | "normalIDF";

export type PmmlArithmetic = "+" | "-" | "*" | "/" | "pow" | "modulo";

export type PmmlComparison = "equal" | "notEqual" | "lessThan" | "lessOrEqual" | "greaterThan" | "greaterOrEqual";

/** Functions of one or two numbers that are float64 in and out, or keep the type. */
export type PmmlMathFunction =
  | "log10"
  | "ln"
  | "sqrt"
  | "abs"
  | "exp"
  | "floor"
  | "ceil"
  | "round"
  | "rint"
  | "expm1"
  | "ln1p"
  | "hypot"
  | "sin"
  | "asin"
  | "sinh"
  | "cos"
  | "acos"
  | "cosh"
  | "tan"
  | "atan"
  | "tanh"
  | "atan2"
  | "erf"
  | "stdNormalCDF"
  | "stdNormalPDF"
  | "stdNormalIDF";

/** What a text index does to text and term alike before words are looked for. */
export interface PmmlTextRules {
  readonly caseSensitive: boolean;
  /** Levenshtein distance of a word that still counts. */
  readonly maxDistance: number;
  readonly tokenizes: boolean;
  /** A regular expression's source, for {@link tokenizes}. */
  readonly separator: string;
  readonly normalizations: readonly PmmlTextNormalization[];
}

/** A table of replacements, in order. */
export interface PmmlTextNormalization {
  readonly caseSensitive: boolean;
  readonly maxDistance: number;
  readonly tokenizes: boolean;
  readonly separator: string;
  /** Whether the table is gone through until nothing changes. */
  readonly recursive: boolean;
  readonly rows: readonly { readonly find: string; readonly replace: string; readonly regex: boolean }[];
}

/** How the value of a field is made. `type` is that of the value. A missing value is null. */
export type PmmlExpression =
  | { readonly kind: "constant"; readonly type: PmmlType; readonly value: PmmlValue | null }
  /** A field's value, or another where it is missing. */
  | { readonly kind: "field"; readonly type: PmmlType; readonly slot: number; readonly missing: PmmlValue | null }
  /** To the type of the field that it is for. */
  | { readonly kind: "cast"; readonly type: PmmlType; readonly of: PmmlExpression }
  /** Pieces of a line between points whose `orig` rises. */
  | {
      readonly kind: "norm-continuous";
      readonly type: "double";
      readonly slot: number;
      readonly orig: readonly number[];
      readonly norm: readonly number[];
      readonly outliers: "asIs" | "asMissingValues" | "asExtremeValues";
      readonly missing: number | null;
    }
  | {
      readonly kind: "norm-discrete";
      readonly type: "double";
      readonly slot: number;
      readonly value: PmmlValue;
      readonly missing: number | null;
    }
  | {
      readonly kind: "discretize";
      readonly type: PmmlType;
      readonly slot: number;
      readonly bins: readonly { readonly interval: PmmlInterval; readonly value: PmmlValue }[];
      readonly otherwise: PmmlValue | null;
      readonly missing: PmmlValue | null;
    }
  /** The value of the first row whose keys are those of the fields; a null key stands for any value. */
  | {
      readonly kind: "map-values";
      readonly type: PmmlType;
      readonly slots: readonly number[];
      readonly rows: readonly { readonly keys: readonly (PmmlValue | null)[]; readonly value: PmmlValue | null }[];
      readonly otherwise: PmmlValue | null;
      readonly missing: PmmlValue | null;
    }
  | {
      readonly kind: "text-index";
      readonly type: "double" | "integer";
      readonly text: number;
      readonly term: PmmlExpression;
      readonly weights: "termFrequency" | "binary" | "logarithmic" | "augmentedNormalizedTermFrequency";
      readonly hits: "allHits" | "bestHits";
      readonly rules: PmmlTextRules;
    }
  | {
      readonly kind: "apply";
      readonly type: PmmlType;
      readonly function: PmmlFunctionName;
      readonly args: readonly PmmlExpression[];
      /** What it is where an argument is missing. */
      readonly missing: PmmlValue | null;
      /** What it is where its result is missing. */
      readonly otherwise: PmmlValue | null;
      readonly invalid: "returnInvalid" | "asIs" | "asMissing";
      /** Texts are read as numbers: of a constant with no type. */
      readonly order?: readonly PmmlValue[];
    }
  /** A function of the document's: its parameters are set, then its body counts. */
  | {
      readonly kind: "call";
      readonly type: PmmlType;
      readonly function: number;
      readonly args: readonly PmmlExpression[];
      readonly missing: PmmlValue | null;
      readonly otherwise: PmmlValue | null;
    };

/** A function of the document's, for arguments of some types. It calls none that calls it. */
export interface PmmlFunction {
  readonly name: string;
  /** Slots of its parameters. */
  readonly parameters: readonly number[];
  readonly body: PmmlExpression;
}

/** A condition, which is unknown where what it needs is missing. */
export type PmmlPredicate =
  | { readonly kind: "true" }
  | { readonly kind: "false" }
  | {
      readonly kind: "compare";
      readonly operator: PmmlComparison;
      readonly slot: number;
      readonly value: PmmlValue;
    }
  /** A comparison with what no value of the field is: an error of rows that have one. */
  | { readonly kind: "unreadable"; readonly slot: number; readonly text: string }
  | { readonly kind: "missing"; readonly slot: number; readonly is: boolean }
  | { readonly kind: "set"; readonly slot: number; readonly is: boolean; readonly values: readonly PmmlValue[] }
  | {
      readonly kind: "compound";
      readonly operator: "and" | "or" | "xor" | "surrogate";
      readonly of: readonly PmmlPredicate[];
    };
