import type { PmmlExpression } from "../../../model/tabular/pmml-fields.ts";
import type { PmmlKernel } from "../../../model/tabular/pmml-models.ts";
import { sharedFloats, sharedIntegers } from "../../shared-arrays.ts";
import { readOptionalValue } from "../data-dictionary.ts";
import { type Element, shortened } from "../element.ts";
import type { ModelSource, ReadBody } from "../model-reading.ts";
import { readNumberArray } from "../read-array.ts";
import { readExpression } from "../read-expression.ts";
import type { Scope } from "../scope.ts";
import { numberSlot } from "./regression.ts";

const KERNELS = ["LinearKernelType", "PolynomialKernelType", "RadialBasisKernelType", "SigmoidKernelType"];
/** Numbers of all vectors together. */
const MOST_NUMBERS = 20_000_000;

/** A `<SupportVectorMachineModel>`, by support vectors or by coefficients. */
export function readSupportVectors(source: ModelSource): ReadBody {
  const { element, scope, purpose, target } = source;
  const classifies = purpose === "classification";
  const { fields, vectors, numbers } = readVectors(element.needChild("VectorDictionary"), scope);
  const byVectors =
    element.choice("svmRepresentation", ["SupportVectors", "Coefficients"], "SupportVectors") === "SupportVectors";
  const kernel = readKernel(element);
  if (!byVectors && kernel.kind !== "linear") throw element.refused("coefficients of a kernel that is not linear");
  const machines = element.all("SupportVectorMachine");
  if (machines.length === 0) throw element.fault("has no <SupportVectorMachine>");
  if (!classifies && machines.length > 1) throw element.fault("has several <SupportVectorMachine>, and is no classification");
  const threshold = element.number("threshold", 0);
  const alternateOfAll = readOptionalValue(element, "alternateBinaryTargetCategory", target.type);
  const read = machines.map((machine) => {
    const coefficients = machine.needChild("Coefficients");
    const values = coefficients.all("Coefficient").map((each) => each.number("value", 0));
    return {
      label: readOptionalValue(machine, "targetCategory", target.type),
      alternate: readOptionalValue(machine, "alternateTargetCategory", target.type) ?? alternateOfAll,
      threshold: machine.number("threshold", threshold),
      intercept: coefficients.number("absoluteValue", 0),
      ...(byVectors ? { vectors: supportVectors(machine, numbers, values.length) } : checkedCount(machine, values, fields)),
      coefficients: sharedFloats(values),
    };
  });
  const oneAgainstAll =
    element.choice("classificationMethod", ["OneAgainstAll", "OneAgainstOne"], "OneAgainstAll") === "OneAgainstAll";
  for (const [i, { label, alternate }] of read.entries()) {
    if (classifies && (label === null || (alternate === null && !(oneAgainstAll && read.length > 1))))
      throw machines[i].fault("does not say the categories that it tells apart");
  }
  // One machine that names both of its categories tells them apart whatever the method is.
  const pairs = read.length === 1 && machines[0].get("alternateTargetCategory") !== undefined;
  const coded = classifies && read.length === 1 && !pairs;
  const labels = [
    ...new Set([...target.labels, ...read.flatMap(({ label, alternate }) => [label ?? [], alternate ?? []].flat())]),
  ];
  return {
    body: {
      kind: "support-vectors",
      classifies,
      kernel,
      fields,
      vectors: sharedFloats(vectors),
      oneAgainstAll: oneAgainstAll && read.length > 1,
      coded: coded ? (oneAgainstAll ? "sign" : "zero-or-one") : "no",
      maxWins: element.flag("maxWins"),
      machines: read,
    },
    labels: classifies ? labels : [],
  };
}

function readKernel(element: Element): PmmlKernel {
  const kernel = element.child(...KERNELS);
  if (kernel === undefined) throw element.fault("has no kernel");
  const gamma = kernel.number("gamma", 1);
  const coef0 = kernel.number("coef0", 1);
  switch (kernel.name) {
    case "LinearKernelType":
      return { kind: "linear" };
    case "PolynomialKernelType":
      return { kind: "polynomial", gamma, coef0, degree: kernel.number("degree", 1) };
    case "RadialBasisKernelType":
      return { kind: "radialBasis", gamma };
    default:
      return { kind: "sigmoid", gamma, coef0 };
  }
}

function readVectors(dictionary: Element, scope: Scope) {
  const fields: PmmlExpression[] = dictionary
    .needChild("VectorFields")
    .children.filter(({ name }) => name === "FieldRef" || name === "CategoricalPredictor")
    .map((each) => {
      if (each.name === "FieldRef") {
        numberSlot(each, each.need("field"), scope);
        return readExpression(each, scope);
      }
      const slot = scope.slot(each.need("name"), each);
      const { type } = scope.document.fields[slot];
      const value = readOptionalValue(each, "value", type);
      if (value === null) throw each.fault("has no value");
      if (each.number("coefficient", 1) !== 1) throw each.refused("a coefficient that is not 1");
      return { kind: "norm-discrete", type: "double", slot, value, missing: null };
    });
  const numbers = new Map<string, number>();
  const instances = dictionary.all("VectorInstance");
  if (instances.length * fields.length > MOST_NUMBERS) throw dictionary.refused(`${instances.length} vectors`);
  const vectors = new Float64Array(instances.length * fields.length);
  for (const [i, instance] of instances.entries()) {
    numbers.set(instance.need("id"), i);
    vectors.set(readNumberArray(instance, fields.length), i * fields.length);
  }
  return { fields, vectors, numbers };
}

function supportVectors(machine: Element, numbers: ReadonlyMap<string, number>, count: number): Int32Array {
  const vectors = machine.child("SupportVectors")?.all("SupportVector") ?? [];
  if (vectors.length !== count) throw machine.fault(`has ${count} coefficients for ${vectors.length} support vectors`);
  return sharedIntegers(
    vectors.map((vector) => {
      const id = vector.need("vectorId");
      const number = numbers.get(id);
      if (number === undefined) throw vector.fault(`is the vector "${shortened(id)}", which there is not`);
      return number;
    }),
  );
}

function checkedCount(machine: Element, values: readonly number[], fields: readonly unknown[]): object {
  if (values.length !== fields.length) throw machine.fault(`has ${values.length} coefficients for ${fields.length} fields`);
  return {};
}
