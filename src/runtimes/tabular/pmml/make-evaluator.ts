import type { PmmlModel } from "../../../model/tabular/pmml-models.ts";
import type { Evaluator } from "./evaluator.ts";
import type { FieldReaders } from "./field-readers.ts";
import { AnomalyEvaluator } from "./models/anomaly.ts";
import { AssociationEvaluator } from "./models/association.ts";
import { ClusteringEvaluator } from "./models/clustering.ts";
import { GeneralRegressionEvaluator } from "./models/general-regression.ts";
import { MiningEvaluator } from "./models/mining.ts";
import { NaiveBayesEvaluator } from "./models/naive-bayes.ts";
import { NeighborsEvaluator } from "./models/neighbors.ts";
import { NetworkEvaluator } from "./models/network.ts";
import { RegressionEvaluator } from "./models/regression.ts";
import { RuleSetEvaluator } from "./models/rule-set.ts";
import { ScorecardEvaluator } from "./models/scorecard.ts";
import { SupportVectorsEvaluator } from "./models/support-vectors.ts";
import { TreeEvaluator } from "./models/tree.ts";
import type { NodeWalk } from "./node-walk.ts";

/** What evaluates a model, with those within it. */
export function makeEvaluator(model: PmmlModel, fields: FieldReaders, walk: NodeWalk): Evaluator {
  const make = (inner: PmmlModel) => makeEvaluator(inner, fields, walk);
  switch (model.kind) {
    case "regression":
      return new RegressionEvaluator(model, fields);
    case "general-regression":
      return new GeneralRegressionEvaluator(model, fields);
    case "tree":
      return new TreeEvaluator(model, fields, walk);
    case "mining":
      return new MiningEvaluator(model, fields, make);
    case "network":
      return new NetworkEvaluator(model, fields);
    case "support-vectors":
      return new SupportVectorsEvaluator(model, fields);
    case "naive-bayes":
      return new NaiveBayesEvaluator(model, fields);
    case "clustering":
      return new ClusteringEvaluator(model, fields);
    case "neighbors":
      return new NeighborsEvaluator(model, fields);
    case "scorecard":
      return new ScorecardEvaluator(model, fields);
    case "rule-set":
      return new RuleSetEvaluator(model, fields);
    case "association":
      return new AssociationEvaluator(model, fields);
    case "anomaly":
      return new AnomalyEvaluator(model, fields, make(model.of));
  }
}
