import type { PmmlType } from "../../model/tabular/pmml-fields.ts";
import type { PmmlOutput, PmmlOutputFeature, PmmlRulePart } from "../../model/tabular/pmml-models.ts";
import { isNumberType } from "../../model/tabular/pmml-values.ts";
import { readOptionalValue, readType } from "./data-dictionary.ts";
import { type Element, shortened } from "./element.ts";
import type { TargetField } from "./model-reading.ts";
import { castTo, holdsExpression, readOnlyExpression } from "./read-expression.ts";
import type { Scope } from "./scope.ts";

/** What outputs may refer to. */
export interface OutputSource {
  readonly scope: Scope;
  readonly targets: readonly TargetField[];
  /** Segments of a mining model, by their ids. */
  readonly segments: ReadonlyMap<string, { readonly index: number; readonly type: PmmlType }>;
  /** Whether a row has a prediction of each segment. */
  readonly selectsAll: boolean;
  /** Slots of outputs that other models know, by name: they are shared and added to. */
  readonly exports: Map<string, number>;
}

const FEATURES = [
  "predictedValue",
  "predictedDisplayValue",
  "transformedValue",
  "decision",
  "probability",
  "affinity",
  "residual",
  "standardError",
  "standardDeviation",
  "clusterId",
  "clusterAffinity",
  "entityId",
  "entityAffinity",
  "warning",
  "ruleValue",
  "reasonCode",
  "antecedent",
  "consequent",
  "rule",
  "ruleId",
  "confidence",
  "support",
  "lift",
  "leverage",
  "report",
  "x-report",
] as const;
const RULE_PARTS: readonly PmmlRulePart[] = [
  "antecedent",
  "consequent",
  "rule",
  "ruleId",
  "confidence",
  "support",
  "lift",
  "leverage",
  "affinity",
];
const NUMBERS: ReadonlySet<string> = new Set(["confidence", "support", "lift", "leverage", "affinity"]);
const MOST_RANK = 1_000_000;

/** Whether a model's answers, or those of models within it, tell names of tree nodes. */
export function asksForEntities(element: Element): boolean {
  const waiting = [element];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.name === "OutputField" && /^(?:entityId|clusterId)$/.test(next.get("feature") ?? "")) return true;
    // Nodes hold none, and are many.
    if (next.name !== "Node") waiting.push(...next.children);
  }
  return false;
}

/** The outputs of a model, each with a slot that its name stands for from then on. */
export function readOutputs(model: Element, source: OutputSource): readonly PmmlOutput[] {
  const outputs: PmmlOutput[] = [];
  const associates = model.name === "AssociationModel";
  for (const element of model.child("Output")?.all("OutputField") ?? []) {
    const name = element.need("name");
    const { feature, type: natural, several } = readFeature(element, source, associates);
    const type = several ? natural : readType(element, natural);
    const what =
      feature.kind === "transformed" ? ({ kind: "transformed", expression: castTo(type, feature.expression) } as const) : feature;
    const slot =
      source.exports.get(name) ?? source.scope.document.given(name, type, isNumberType(type) ? "continuous" : "categorical");
    source.exports.set(name, slot);
    source.scope.declare(name, slot);
    outputs.push({ name, slot, type, several, natural, what });
  }
  return outputs;
}

interface Feature {
  readonly feature: PmmlOutputFeature;
  /** The type of its values before they become the output's. */
  readonly type: PmmlType;
  readonly several: boolean;
}

function readFeature(element: Element, source: OutputSource, associates: boolean): Feature {
  const feature = element.choice("feature", FEATURES, "predictedValue");
  const segment = element.get("segmentId");
  if (segment === undefined) return { several: false, ...ownFeature(feature, element, source, associates) };
  const found = source.segments.get(segment);
  if (found === undefined) throw element.fault(`is of the segment "${shortened(segment)}", which there is not`);
  const inner: OutputSource = {
    ...source,
    targets: [{ ...source.targets[0], type: found.type }],
    segments: new Map(),
    selectsAll: false,
  };
  const own = ownFeature(feature, element, inner, associates);
  return { ...own, several: false, feature: { kind: "segment", segment: found.index, what: own.feature } };
}

function ownFeature(
  feature: (typeof FEATURES)[number],
  element: Element,
  { scope, targets, selectsAll }: OutputSource,
  associates: boolean,
): Omit<Feature, "several"> & { readonly several?: boolean } {
  const of = element.get("targetField");
  const target = (of === undefined ? undefined : targets.find(({ name }) => name === of)) ?? targets[0];
  const named = of === undefined ? {} : { of };
  const rank = () => element.integer("rank", 0, MOST_RANK, 1);
  switch (feature) {
    case "predictedValue":
      if (holdsExpression(element)) break;
      return { feature: { kind: "predicted", display: false, ...named }, type: target.type, several: selectsAll };
    case "predictedDisplayValue":
      return { feature: { kind: "predicted", display: true, ...named }, type: "string" };
    case "transformedValue":
    case "decision":
      break;
    case "probability":
    case "confidence":
      if (associates) return readRule(element, feature as PmmlRulePart);
      return {
        feature: { kind: feature, value: readOptionalValue(element, "value", target.type), ...named },
        type: "double",
      };
    case "residual":
      return { feature: { kind: "residual" }, type: "double" };
    case "standardError":
      return { feature: { kind: "standard-error" }, type: "double" };
    case "entityId":
    case "clusterId":
      return { feature: { kind: "entity", rank: Math.max(1, rank()) }, type: "string" };
    case "affinity":
    case "clusterAffinity":
    case "entityAffinity":
      if (associates) return readRule(element, "affinity");
      return {
        feature: {
          kind: "affinity",
          // What is about the entity is about the predicted one, whatever the rank says.
          rank: feature === "affinity" ? Math.max(1, rank()) : 1,
          entity: element.get("value") ?? null,
          least: element.choice("rankOrder", ["ascending", "descending"], "descending") === "ascending",
        },
        type: "double",
      };
    case "reasonCode":
      return { feature: { kind: "reason-code", rank: Math.max(1, rank()) }, type: "string" };
    case "ruleValue":
      return readRule(element, element.choice("ruleFeature", RULE_PARTS, "consequent"));
    case "antecedent":
    case "consequent":
    case "rule":
    case "ruleId":
    case "support":
    case "lift":
    case "leverage":
      return readRule(element, feature);
    case "report":
    case "x-report":
      // For people, about how an answer came about; engines are free in what they write.
      return { feature: { kind: "nothing" }, type: "string" };
    case "standardDeviation":
    case "warning":
      throw element.refused(`feature="${feature}"`);
  }
  const expression = readOnlyExpression(element, scope);
  return { feature: { kind: "transformed", expression }, type: expression.type };
}

function readRule(element: Element, part: PmmlRulePart): Omit<Feature, "several"> & { readonly several: boolean } {
  const rank = element.integer("rank", 0, MOST_RANK, 1);
  const several = element.flag("isMultiValued") || rank === 0;
  const lists = part === "antecedent" || part === "consequent";
  if (several && lists) throw element.refused(`several lists of items, of ruleFeature="${part}"`);
  return {
    feature: {
      kind: "rule",
      part,
      algorithm: element.choice(
        "algorithm",
        ["recommendation", "exclusiveRecommendation", "ruleAssociation"],
        "exclusiveRecommendation",
      ),
      basis: element.choice("rankBasis", ["confidence", "support", "lift", "leverage", "affinity"], "confidence"),
      ascending: element.choice("rankOrder", ["descending", "ascending"], "descending") === "ascending",
      rank,
    },
    type: NUMBERS.has(part) ? "double" : "string",
    several: several || lists,
  };
}
