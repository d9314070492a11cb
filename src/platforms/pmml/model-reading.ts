import type { PmmlOptype, PmmlType, PmmlValue } from "../../model/tabular/pmml-fields.ts";
import type { PmmlModel, PmmlOutput, PmmlTarget } from "../../model/tabular/pmml-models.ts";
import type { PmmlResult } from "../../model/tabular/pmml-operations.ts";
import type { Element } from "./element.ts";
import type { NodeTable } from "./node-table.ts";
import type { Scope } from "./scope.ts";

/** What there is once for a document. */
export interface Reading {
  /** Nodes of all trees. */
  readonly nodes: NodeTable;
  /** Shares of labels that they have so far. */
  shares: number;
  /** Throws once the load was given up, and lets others have their turn when it is time. */
  readonly turn: () => Promise<void>;
}

/** What a model's reader is given. */
export interface ModelSource {
  readonly element: Element;
  readonly scope: Scope;
  readonly reading: Reading;
  readonly purpose: ModelPurpose;
  /** The field that the model predicts. */
  readonly target: TargetField;
  /** All of them: nearest neighbours may have several. */
  readonly targets: readonly TargetField[];
  readonly float: boolean;
}

/** A field that is predicted. */
export interface TargetField {
  /** Absent where the model names none. */
  readonly name?: string;
  readonly type: PmmlType;
  readonly optype: PmmlOptype;
  /** Values that it may have. */
  readonly labels: readonly PmmlValue[];
  readonly target: PmmlTarget;
}

export type ModelPurpose = "regression" | "classification" | "clustering" | "associationRules" | "mixed" | "other";

/** What a model's own reader makes: all but what every model has. */
export type ModelBody<Model extends PmmlModel = PmmlModel> = Model extends PmmlModel
  ? Omit<Model, "target" | "float" | "outputs"> & { readonly target?: PmmlTarget }
  : never;

/** A model with what others need to know of it. */
export interface ReadModel {
  readonly model: PmmlModel;
  /** What it answers, its outputs among them. */
  readonly results: readonly PmmlResult[];
  /** Labels of its probabilities. */
  readonly labels: readonly PmmlValue[];
  /** The same in the order in which they are shown. */
  readonly shownLabels: readonly PmmlValue[];
  readonly outputs: readonly PmmlOutput[];
  readonly targetType: PmmlType;
  /** Slots of the request's values that are checked even where the model does not look at them. */
  readonly checked: readonly number[];
}

/** A body with the labels of its probabilities, and what it answers where that is not its target. */
export interface ReadBody {
  readonly body: ModelBody;
  readonly labels?: readonly PmmlValue[];
  readonly results?: readonly PmmlResult[];
  /** Segments by name, of a mining model: outputs may ask them. */
  readonly segments?: ReadonlyMap<string, { readonly index: number; readonly type: PmmlType }>;
}

/** Reads what is a model's own. Long ones give way to others. */
export type ReadModelBody = (source: ModelSource) => ReadBody | Promise<ReadBody>;
