import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../src/base/serving-error.ts";
import { readDocument } from "../../src/platforms/pmml/read-document.ts";
import { TabularRuntime } from "../../src/runtimes/tabular/tabular-runtime.ts";
import { TabularServable } from "../../src/runtimes/tabular/tabular-servable.ts";
import type { NamedTensors } from "../../src/tensor/tensor.ts";
import { answersOf, miningSchema, numberField, pmmlText, readPmml } from "../support/pmml.ts";
import {
  compareTabular,
  inputTensor,
  OTHERS_ARE_THERE,
  type TabularCase,
  tabularModels,
  tensorAnswer,
} from "../support/tabular-golden.ts";

const NEVER = new AbortController().signal;
const MODELS = tabularModels("pmml", /^model\.pmml$/);

test.skipIf(OTHERS_ARE_THERE)("(documents of others are skipped: the folder shared is not there)", () => undefined);

describe("answers as the engine in Java does", () => {
  test.each(MODELS)("$name", async ({ path, cases }) => {
    const program = await readDocument(readFileSync(path), "model.pmml", NEVER);
    // Structured cloning is what threads get.
    const servable = new TabularServable(structuredClone(program));
    for (const [index, { inputs, outputs = {}, error }] of cases.entries()) {
      const what = `row ${index}`;
      const names = Object.keys(outputs);
      const answers = await answer(servable, inputs, error === undefined ? names : [...program.outputs.get("evaluate")!.keys()]);
      if (answers === undefined || error !== undefined) {
        expect(answers === undefined ? "an error" : "an answer", `${what}: ${error}`).toBe(
          error === undefined ? "an answer" : "an error",
        );
        continue;
      }
      for (const [alias, wanted] of Object.entries(outputs)) {
        compareTabular(tensorAnswer(answers.get(alias)!), wanted, 1e-12, `${what}, ${alias}`);
      }
    }
  });
});

/** Undefined for a row that is refused as the caller's fault. */
async function answer(servable: TabularServable, inputs: TabularCase["inputs"], wanted: readonly string[]) {
  const tensors: NamedTensors = new Map(Object.entries(inputs).map(([name, tensor]) => [name, inputTensor(tensor)]));
  try {
    return await servable.run("evaluate", tensors.size === 0 ? noInputs(servable) : tensors, wanted);
  } catch (reason) {
    if (reason instanceof ServingError && reason.code === "invalid-argument") return undefined;
    throw reason;
  }
}

/** A row of a model that has no inputs but what it predicts. */
function noInputs(servable: TabularServable): NamedTensors {
  const [{ alias }] = servable.signatures.get("evaluate")!.inputs;
  return new Map([[alias, { dtype: "float64", shape: [1], data: Float64Array.of(Number.NaN) }]]);
}

describe("the rows that a document says the results of", () => {
  const model = (expected: string, x: string) =>
    `<RegressionModel functionName="regression">${miningSchema(["x"], "y")}<RegressionTable intercept="1"><NumericPredictor name="x" coefficient="2"/></RegressionTable>
    <ModelVerification recordCount="2"><VerificationFields><VerificationField field="x" column="a"/><VerificationField field="y" column="b" precision="0.001"/></VerificationFields>
    <InlineTable><row><a>1</a><b>3.002</b></row><row><a>${x}</a><b>${expected}</b></row></InlineTable></ModelVerification></RegressionModel>`;
  const load = async (expected: string, x: string) =>
    new TabularRuntime().load(await readPmml(pmmlText(numberField("x") + numberField("y"), model(expected, x))), NEVER);

  test("let it load where they are near enough", async () => {
    expect((await load("7.006", "3")).signatures.has("evaluate")).toBe(true);
  });

  test("fail the load where one is not, by row and field", async () => {
    await expect(load("7.2", "3")).rejects.toMatchObject({
      code: "data-loss",
      message: 'model.pmml: row 1 of <ModelVerification> says that "y" is 7.2, and it is 7 here',
    });
  });

  test("fail the load where there is no prediction", async () => {
    await expect(load("7", "")).rejects.toThrow(
      'row 1 of <ModelVerification> says that "y" is 7, and it is a missing value here',
    );
  });
});

describe("what a document declares", () => {
  const fields = `${numberField("x", '<Interval closure="closedClosed" leftMargin="0" rightMargin="1"/>')}
    <DataField name="on" optype="categorical" dataType="boolean"/><DataField name="day" optype="ordinal" dataType="date"/>
    <DataField name="k" optype="categorical" dataType="string"><Value value="no"/><Value value="yes"/></DataField>${numberField("unused")}`;
  const model = `<RegressionModel functionName="classification" normalizationMethod="logit">
    <MiningSchema><MiningField name="x"/><MiningField name="on"/><MiningField name="day"/><MiningField name="unused" usageType="supplementary"/><MiningField name="k" usageType="target"/></MiningSchema>
    <Output><OutputField name="late" optype="categorical" dataType="boolean" feature="transformedValue"><Apply function="greaterThan"><FieldRef field="day"/><Constant dataType="date">2020-01-01</Constant></Apply></OutputField></Output>
    <RegressionTable targetCategory="yes" intercept="0"><NumericPredictor name="x" coefficient="1"/><CategoricalPredictor name="on" value="true" coefficient="2"/></RegressionTable><RegressionTable targetCategory="no" intercept="0"/></RegressionModel>`;

  test("becomes a signature with an input for each field and an output for each result", async () => {
    const program = await readPmml(pmmlText(fields, model));
    const signature = program.signatures.get("serving_default")!;
    expect(signature.inputs.map(({ alias, dtype, shape, optional }) => [alias, dtype, shape, optional])).toEqual([
      ["x", "float64", [-1], true],
      ["on", "string", [-1], true],
      ["day", "string", [-1], true],
      ["unused", "float64", [-1], true],
    ]);
    expect(signature.outputs.map(({ alias, dtype }) => [alias, dtype])).toEqual([
      ["k", "string"],
      ["late", "bool"],
    ]);
    expect(program.classes?.labels).toEqual(["no", "yes"]);
  });

  test("takes truth values and dates as texts, and truth values as numbers", async () => {
    const program = await readPmml(pmmlText(fields, model));
    const rows = [
      { x: 0.5, on: "true", day: "2020-01-02" },
      { x: 0.5, on: "0", day: "2019-12-31" },
    ];
    expect(await answersOf(program, rows)).toEqual({ k: ["yes", "yes"], late: [true, false] });
    const flags: NamedTensors = new Map([
      ["x", { dtype: "float64", shape: [1], data: Float64Array.of(0) }],
      ["on", { dtype: "bool", shape: [1], data: Uint8Array.of(1) }],
      ["day", inputTensor({ dtype: "string", shape: [1], data: ["2020-01-02"] })],
    ]);
    const answers = await new TabularServable(program).run("evaluate", flags, ["k", "late"]);
    expect(tensorAnswer(answers.get("k")!).data).toEqual(["yes"]);
  });

  test("refuses a row by its number in the request, however many rows there are", async () => {
    const program = await readPmml(pmmlText(fields, model));
    const rows = Array.from({ length: 60_000 }, (_, i) => ({ x: i === 50_001 ? 2 : 0.5, on: "true", day: "2020-01-02" }));
    await expect(answersOf(program, rows)).rejects.toMatchObject({
      code: "invalid-argument",
      message: 'row 50001: field "x" has 2, which is invalid',
    });
  });

  test("refuses to answer a truth value that is missing", async () => {
    const truth = `<RegressionModel functionName="regression">${miningSchema(["x"])}<Output><OutputField name="b" dataType="boolean" optype="categorical" feature="transformedValue"><Apply function="if"><Constant dataType="boolean">false</Constant><Constant dataType="boolean">true</Constant></Apply></OutputField></Output><RegressionTable intercept="1"/></RegressionModel>`;
    await expect(answersOf(await readPmml(pmmlText(numberField("x"), truth)), [{ x: 1 }])).rejects.toThrow(
      "an output is missing in some row, which a truth value cannot be",
    );
  });
});

test("takes the items of a basket as a list, and answers rules as lists that end in missing texts", async () => {
  const model = `<AssociationModel functionName="associationRules" numberOfTransactions="1" minimumSupport="0" minimumConfidence="0" numberOfItems="2" numberOfItemsets="2" numberOfRules="2">
    <MiningSchema><MiningField name="who" usageType="group"/><MiningField name="item"/></MiningSchema>
    <Output><OutputField name="next" feature="ruleValue" rank="1"/><OutputField name="ids" feature="ruleValue" ruleFeature="ruleId" algorithm="recommendation" rank="0" isMultiValued="1"/></Output>
    <Item id="1" value="tea"/><Item id="2" value="milk"/><Itemset id="1"><ItemRef itemRef="1"/></Itemset><Itemset id="2"><ItemRef itemRef="2"/></Itemset>
    <AssociationRule antecedent="1" consequent="2" support="0.5" confidence="0.7"/><AssociationRule id="b" antecedent="2" consequent="1" support="0.6" confidence="0.8"/></AssociationModel>`;
  const text = `<DataField name="who" optype="categorical" dataType="string"/><DataField name="item" optype="categorical" dataType="string"/>`;
  const program = await readPmml(pmmlText(text, model));
  expect(program.signatures.get("evaluate")!.inputs[1]).toMatchObject({ alias: "item", shape: [-1, -1] });
  const items = inputTensor({ dtype: "string", shape: [2, 2], data: ["milk", "tea", "tea", null] });
  const answers = await new TabularServable(program).run("evaluate", new Map([["item", items]]), ["next", "ids"]);
  expect(tensorAnswer(answers.get("ids")!)).toEqual({ shape: [2, 2], data: ["b", "1", "1", null] });
  expect(tensorAnswer(answers.get("next")!)).toEqual({ shape: [2, 1], data: [null, "milk"] });
});

describe("what the engine in Java has not, as the specification says it:", () => {
  const X = numberField("x") + numberField("y");
  const output = (name: string, expression: string) =>
    `<OutputField name="${name}" optype="continuous" dataType="double" feature="transformedValue">${expression}</OutputField>`;
  const apply = (name: string, ...args: string[]) => `<Apply function="${name}">${args.join("")}</Apply>`;
  const number = (value: number) => `<Constant dataType="double">${value}</Constant>`;
  const field = '<FieldRef field="x"/>';

  test("distributions", async () => {
    const outputs = [
      output("erf", apply("erf", field)),
      output("below", apply("normalCDF", field, number(1), number(2))),
      output("density", apply("normalPDF", field, number(1), number(2))),
      output("quantile", apply("normalIDF", apply("stdNormalCDF", field), number(1), number(2))),
      output("standard", apply("stdNormalPDF", apply("stdNormalIDF", number(0.5)))),
      output("median", apply("median", field, number(4), number(-1))),
    ].join("");
    const model = `<RegressionModel functionName="regression">${miningSchema(["x"])}<Output>${outputs}</Output><RegressionTable intercept="0"/></RegressionModel>`;
    const answers = await answersOf(await readPmml(pmmlText(X, model)), [{ x: 0.5 }]);
    // By SciPy: erf(.5), norm(1, 2).cdf(.5), .pdf(.5), 1 + 2 * .5, norm.pdf(0).
    const wanted = [0.5204998778130465, 0.4012936743170763, 0.19333405840142462, 2, 0.3989422804014327, 0.5];
    for (const [i, name] of ["erf", "below", "density", "quantile", "standard", "median"].entries()) {
      expect(answers[name][0], name).toBeCloseTo(wanted[i], 14);
    }
  });

  test("isolation forests, machines of one class and distances from clusters as anomalies", async () => {
    const line = `<RegressionModel functionName="regression">${miningSchema(["x"])}<RegressionTable intercept="0"><NumericPredictor name="x" coefficient="1"/></RegressionTable></RegressionModel>`;
    const cluster = `<ClusteringModel functionName="clustering" modelClass="centerBased" numberOfClusters="2">${miningSchema(["x"])}<ComparisonMeasure kind="distance"><euclidean/></ComparisonMeasure><ClusteringField field="x"/><Cluster><Array>0</Array></Cluster><Cluster><Array>10</Array></Cluster></ClusteringModel>`;
    const anomaly = (more: string, inner: string) =>
      `<AnomalyDetectionModel functionName="regression" ${more}>${miningSchema(["x"], "y")}${inner}</AnomalyDetectionModel>`;
    const score = async (model: string, x: number) => (await answersOf(await readPmml(pmmlText(X, model)), [{ x }])).y[0];
    // The mean path in a tree of 256 is 10.244770920116851.
    expect(await score(anomaly('algorithmType="iforest" sampleDataSize="256"', line), 10.244770920116851)).toBeCloseTo(0.5, 12);
    expect(await score(anomaly('algorithmType="ocsvm"', line), 3)).toBe(3);
    const means = '<MeanClusterDistances><Array n="2">2 4</Array></MeanClusterDistances>';
    expect(await score(anomaly('algorithmType="clusterMeanDist"', cluster + means), 9)).toBe(0.25);
    expect(await score(anomaly('algorithmType="clusterMeanDist"', cluster + means), 3)).toBe(1.5);
  });

  test("nodes that may all be a row's, by their confidences or their records", async () => {
    const share = (...counts: number[]) =>
      ["A", "B"]
        .map((label, i) => `<ScoreDistribution value="${label}" recordCount="${counts[i]}" confidence="${counts[i + 2]}"/>`)
        .join("");
    const tree = (
      strategy: string,
    ) => `<TreeModel functionName="classification" missingValueStrategy="${strategy}">${miningSchema(["x"], "k")}
      <Output><OutputField name="p" feature="probability" value="A"/><OutputField name="c" feature="confidence" value="A"/></Output>
      <Node score="A" recordCount="100"><True/><Node score="A" recordCount="30"><SimplePredicate field="x" operator="lessThan" value="0"/>${share(27, 3, 0.8, 0.2)}</Node>
      <Node score="B" recordCount="70"><SimplePredicate field="x" operator="greaterOrEqual" value="0"/>${share(21, 49, 0.4, 0.6)}</Node></Node></TreeModel>`;
    const labels = '<DataField name="k" optype="categorical" dataType="string"><Value value="A"/><Value value="B"/></DataField>';
    const answers = async (strategy: string) =>
      answersOf(await readPmml(pmmlText(X + labels, tree(strategy))), [{ x: null }, { x: -1 }]);
    const weighted = await answers("weightedConfidence");
    // 0.3 * 0.8 + 0.7 * 0.4 is above a half.
    expect(weighted.k).toEqual(["A", "A"]);
    expect(weighted.c[0]).toBeCloseTo(0.52, 12);
    const aggregated = await answers("aggregateNodes");
    expect(aggregated.k).toEqual(["B", "A"]);
    expect(aggregated.p).toEqual([0.48, 0.9]);
  });
});
