import type { PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import type { PmmlGeneralLink, PmmlGeneralRegression, PmmlGeneralTerm, PmmlOrValue } from "../../../model/tabular/pmml-models.ts";
import { sharedFloats, sharedIntegers } from "../../shared-arrays.ts";
import { readOptionalValue, readValue } from "../data-dictionary.ts";
import { type Element, shortened } from "../element.ts";
import type { ModelSource, ReadBody } from "../model-reading.ts";
import { readMatrix } from "../read-array.ts";
import type { Scope } from "../scope.ts";
import { numberSlot } from "./regression.ts";

const TYPES = ["regression", "generalLinear", "multinomialLogistic", "ordinalMultinomial", "generalizedLinear"] as const;
const CUMULATIVE_LINKS = ["logit", "probit", "cloglog", "loglog", "cauchit"] as const;
const LINKS: readonly PmmlGeneralLink[] = [
  "cauchit",
  "cloglog",
  "identity",
  "log",
  "logc",
  "logit",
  "loglog",
  "negbin",
  "oddspower",
  "power",
  "probit",
];

/** Coefficients of all classes together: those of no class count for each. */
const MOST_TERMS = 10_000_000;

/** A `<GeneralRegressionModel>`: products of predictors times coefficients. Cox regression is not covered. */
export function readGeneralRegression({ element, scope, purpose, target }: ModelSource): ReadBody {
  const modelType = element.choice("modelType", TYPES);
  const classifies = purpose === "classification";
  if (!classifies && (modelType === "multinomialLogistic" || modelType === "ordinalMultinomial"))
    throw element.fault(`has modelType="${modelType}", and is no classification`);
  const cells = element
    .needChild("ParamMatrix")
    .all("PCell")
    .map((cell) => ({
      label: readOptionalValue(cell, "targetCategory", target.type),
      parameter: cell.need("parameterName"),
      beta: cell.number("beta"),
      cell,
    }));
  const parameters = new Set(
    element
      .child("ParameterList")
      ?.all("Parameter")
      .map((each) => each.need("name")) ?? [],
  );
  const predictors = new Predictors(element, scope, target.type);
  const terms: PmmlGeneralTerm[] = [];
  const own = [...new Set(cells.flatMap(({ label }) => (label === null ? [] : [label])))];
  const reference = readOptionalValue(element, "targetReferenceCategory", target.type);
  const labels = classifies ? orderedLabels() : [];
  if (own.length * cells.length > MOST_TERMS) throw element.refused(`${own.length} classes of ${cells.length} coefficients`);
  const withEquation = classifies && own.length === 0 ? labels.filter((label) => label !== referenceLabel()) : own;
  const equations = (withEquation.length > 0 ? withEquation : [null]).map((label) => {
    const used = cells.filter((cell) => cell.label === null || cell.label === label);
    const first = terms.length;
    for (const { parameter, cell } of used) {
      if (!parameters.has(parameter)) throw cell.fault(`is of the parameter "${shortened(parameter)}", which there is not`);
      terms.push(predictors.term(parameter, label));
    }
    return {
      label,
      terms: sharedIntegers(used.map((_, i) => first + i)),
      betas: sharedFloats(used.map(({ beta }) => beta)),
    };
  });
  if (modelType === "generalizedLinear" && classifies && (equations.length !== 1 || labels.length !== 2))
    throw element.refused(`a generalized linear model of ${labels.length} classes`);
  const link =
    modelType === "ordinalMultinomial"
      ? element.choice("cumulativeLink", CUMULATIVE_LINKS)
      : modelType === "generalizedLinear"
        ? element.choice("linkFunction", LINKS)
        : "identity";
  return {
    body: {
      kind: "general-regression",
      classifies,
      modelType,
      link,
      linkPower: link === "power" || link === "oddspower" ? element.number("linkParameter") : 1,
      dispersion: link === "negbin" ? element.number("distParameter") : 1,
      // The others have none.
      offset:
        modelType === "regression" || modelType === "generalLinear"
          ? { value: 0 }
          : fieldOrValue("offsetVariable", "offsetValue", 0),
      trials: fieldOrValue("trialsVariable", "trialsValue", 1),
      terms,
      equations,
      labels,
    } satisfies Omit<PmmlGeneralRegression, "target" | "float" | "outputs">,
    labels,
  };

  /** The values of the target, the reference last where the model alone knows them. */
  function orderedLabels(): readonly PmmlValue[] {
    const known = target.labels.length > 0 ? target.labels : [...own, ...(reference === null ? [] : [reference])];
    const all = [...new Set([...known, ...own, ...(reference === null ? [] : [reference])])];
    if (all.length < 2) throw element.fault("does not say the values of its target");
    return all;
  }

  function referenceLabel(): PmmlValue | undefined {
    return reference ?? labels.at(-1);
  }

  function fieldOrValue(variable: string, value: string, otherwise: number): PmmlOrValue {
    const name = element.get(variable);
    return { ...(name === undefined ? {} : { slot: numberSlot(element, name, scope) }), value: element.number(value, otherwise) };
  }
}

/** What parameters are coefficients of. */
class Predictors {
  readonly #scope: Scope;
  readonly #factors = new Map<string, Element>();
  readonly #covariates = new Set<string>();
  /** Labels that have a matrix of their own. */
  readonly #labels = new Set<PmmlValue>();
  readonly #cells = new Map<string, { readonly label: PmmlValue | null; readonly cell: Element }[]>();

  constructor(element: Element, scope: Scope, targetType: Parameters<typeof readValue>[2]) {
    this.#scope = scope;
    for (const each of element.child("FactorList")?.all("Predictor") ?? []) this.#factors.set(each.need("name"), each);
    for (const each of element.child("CovariateList")?.all("Predictor") ?? []) this.#covariates.add(each.need("name"));
    for (const cell of element.child("PPMatrix")?.all("PPCell") ?? []) {
      const label = readOptionalValue(cell, "targetCategory", targetType);
      const parameter = cell.need("parameterName");
      if (label !== null) this.#labels.add(label);
      const known = this.#cells.get(parameter);
      if (known === undefined) this.#cells.set(parameter, [{ label, cell }]);
      else known.push({ label, cell });
    }
  }

  /** The term of a parameter in the equation of a label. */
  term(parameter: string, label: PmmlValue | null): PmmlGeneralTerm {
    const factors: { slot: number; value: PmmlValue }[] = [];
    const covariates: { slot: number; exponent: number }[] = [];
    const contrasts: { slot: number; values: readonly PmmlValue[]; numbers: readonly number[] }[] = [];
    const ofLabel = label !== null && this.#labels.has(label);
    for (const { label: of, cell } of this.#cells.get(parameter) ?? []) {
      if (ofLabel ? of !== label : of !== null) continue;
      const name = cell.need("predictorName");
      const slot = this.#scope.slot(name, cell);
      const factor = this.#factors.get(name);
      if (factor !== undefined) {
        const value = readValue(cell, "value", this.#scope.document.fields[slot].type);
        if (factor.child("Matrix") === undefined) factors.push({ slot, value });
        else contrasts.push({ slot, ...this.#contrast(factor, slot, value) });
      } else if (this.#covariates.has(name)) {
        covariates.push({ slot: numberSlot(cell, name, this.#scope), exponent: cell.number("value") });
      } else {
        throw cell.fault(`is of "${shortened(name)}", which is neither a factor nor a covariate`);
      }
    }
    return { factors, covariates, contrasts };
  }

  /** What a factor's values count for the parameter of one of them: a column of its matrix. */
  #contrast(factor: Element, slot: number, value: PmmlValue) {
    const { type, name } = this.#scope.document.fields[slot];
    const listed = factor
      .child("Categories")
      ?.all("Category")
      .map((category) => readValue(category, "value", type));
    const values = listed ?? this.#scope.document.dataFields.get(name)?.validity.values ?? [];
    const matrix = readMatrix(factor.needChild("Matrix"));
    const column = values.indexOf(value);
    if (column < 0) throw factor.fault(`has no category "${shortened(String(value))}"`);
    if (matrix.length !== values.length || matrix.some((row) => row.length <= column))
      throw factor.fault(`has a matrix that does not fit its ${values.length} categories`);
    return { values, numbers: matrix.map((row) => row[column]) };
  }
}
