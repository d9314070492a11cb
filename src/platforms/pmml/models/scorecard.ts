import type { PmmlScorecard } from "../../../model/tabular/pmml-models.ts";
import type { Element } from "../element.ts";
import type { ModelSource, ReadBody } from "../model-reading.ts";
import { castTo, readOnlyExpression } from "../read-expression.ts";
import { readPredicate } from "../read-predicate.ts";
import type { Scope } from "../scope.ts";

/** A `<Scorecard>`. */
export function readScorecard({ element, scope }: ModelSource): ReadBody {
  const reasons = element.flag("useReasonCodes", true);
  const ofAll = element.get("baselineScore") === undefined ? undefined : element.number("baselineScore");
  const characteristics = element
    .needChild("Characteristics")
    .all("Characteristic")
    .map((each) => readCharacteristic(each, scope, reasons, ofAll));
  return {
    body: {
      kind: "scorecard",
      initial: element.number("initialScore", 0),
      pointsAbove: element.choice("reasonCodeAlgorithm", ["pointsAbove", "pointsBelow"], "pointsBelow") === "pointsAbove",
      reasons,
      characteristics,
    },
  };
}

function readCharacteristic(
  element: Element,
  scope: Scope,
  reasons: boolean,
  ofAll: number | undefined,
): PmmlScorecard["characteristics"][number] {
  const own = element.get("baselineScore") === undefined ? ofAll : element.number("baselineScore");
  if (reasons && own === undefined) throw element.fault("has no baselineScore, which reason codes need");
  return {
    name: element.get("name") ?? "",
    baseline: own ?? 0,
    attributes: element.all("Attribute").map((attribute) => {
      const complex = attribute.child("ComplexPartialScore");
      const reason = attribute.get("reasonCode") ?? element.get("reasonCode") ?? null;
      if (reasons && reason === null) throw attribute.fault("has no reasonCode");
      const score =
        complex === undefined ? attribute.number("partialScore") : castTo("double", readOnlyExpression(complex, scope));
      return { predicate: readPredicate(attribute, scope), reason, score };
    }),
  };
}
