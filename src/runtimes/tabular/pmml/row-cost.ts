import type { PmmlModel } from "../../../model/tabular/pmml-models.ts";
import type { PmmlOperation } from "../../../model/tabular/pmml-operations.ts";

/** Conditions on the way down a tree. */
const TREE_STEPS = 12;

/** About what a row of a PMML document costs, in steps down a tree or products. */
export function pmmlStepsOfRow({ fields, model }: PmmlOperation): number {
  return fields.length + stepsOf(model);
}

function stepsOf(model: PmmlModel): number {
  switch (model.kind) {
    case "tree":
      return TREE_STEPS;
    case "mining":
      return model.segments.reduce((sum, segment) => sum + stepsOf(segment.model), 0) * (1 + model.labels.length / 4);
    case "regression":
      return model.tables.reduce((sum, { slots, categories, terms }) => sum + slots.length + categories.length + terms.length, 1);
    case "general-regression":
      return model.equations.reduce((sum, { terms }) => sum + terms.length * 4, 1);
    case "network":
      return model.layers.reduce((sum, { weights }) => sum + weights.length, 1);
    case "support-vectors":
      return model.vectors.length + model.machines.reduce((sum, { coefficients }) => sum + coefficients.length, 1);
    case "neighbors":
      return model.ids.length * (model.fields.length + 2) * 4;
    case "clustering":
      return model.clusters.length * model.fields.length * 4;
    case "naive-bayes":
      return model.inputs.length * model.labels.length * 10;
    case "scorecard":
      return model.characteristics.reduce((sum, { attributes }) => sum + attributes.length * 2, 1);
    case "rule-set":
      return model.rules.length * 10;
    case "association":
      return model.rules.length * 10 * (1 + model.outputs.length);
    case "anomaly":
      return stepsOf(model.of);
  }
}
