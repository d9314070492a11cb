import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../src/base/serving-error.ts";
import { readDocument } from "../../src/platforms/pmml/read-document.ts";
import { TabularServable } from "../../src/runtimes/tabular/tabular-servable.ts";
import { fixture } from "../support/folders.ts";
import { answersOf, miningSchema, numberField, pmmlText, readPmml } from "../support/pmml.ts";

const NEVER = new AbortController().signal;
const FIELDS = numberField("x") + numberField("y");
const TABLE = '<RegressionTable intercept="1"><NumericPredictor name="x" coefficient="2"/></RegressionTable>';

function regression(inner = "", table = TABLE): string {
  return `<RegressionModel functionName="regression">${miningSchema(["x"], "y")}${inner}${table}</RegressionModel>`;
}

function derived(expression: string, name = "d"): string {
  return `<DerivedField name="${name}" optype="continuous" dataType="double">${expression}</DerivedField>`;
}

const USES_D = '<RegressionTable intercept="0"><NumericPredictor name="d" coefficient="1"/></RegressionTable>';

describe("a document that is no XML of its own is refused:", () => {
  const laughs = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join("");
  test.each([
    [
      "a billion laughs",
      `<!DOCTYPE PMML [<!ENTITY l0 "ha">${laughs}]><PMML version="4.4">&l9;</PMML>`,
      "defines a document type of its own",
    ],
    [
      "a file of the machine's",
      '<!DOCTYPE PMML [<!ENTITY f SYSTEM "file:///etc/passwd">]><PMML>&f;</PMML>',
      "document type of its own",
    ],
    ["an entity that nobody defines", "<PMML>&nbsp;</PMML>", "is no well-formed XML"],
    ["elements nested without end", "<PMML>".repeat(3000), "nests elements deeper than 2000"],
    ["extensions nested without end", `<PMML>${"<Extension>".repeat(3000)}`, "nests elements deeper than 2000"],
    [
      "an element of many attributes",
      `<PMML ${Array.from({ length: 1500 }, (_, i) => `a${i}=""`).join(" ")}/>`,
      "more than 1000 attributes",
    ],
    ["another root", "<html/>", "has the root <html>, not <PMML>"],
    ["nothing", "", "well-formed"],
    ["bytes that are no UTF-8", "<PMML>\xff</PMML>", "is not in the encoding utf-8"],
    [
      "an encoding that nobody knows",
      '<?xml version="1.0" encoding="klingon"?><PMML/>',
      'is in the encoding "klingon", which is not known',
    ],
    ["two attributes of a name", '<PMML a="1" a="2"/>', "is no well-formed XML"],
  ])("%s", async (_, text, message) => {
    const reading = readDocument(Buffer.from(text, "latin1"), "model.pmml", NEVER);
    await expect(reading).rejects.toThrow(ServingError);
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toThrow(/^model\.pmml/);
  });
});

test("reads past a document type that only names itself, extensions, elements of others and a prefix", async () => {
  const text = pmmlText(
    FIELDS,
    `${regression('<Extension name="a"><RegressionTable intercept="7"/></Extension><v:Output xmlns:v="v"/>')}`,
  );
  const prefixed = text.replace(/<(\/?)([A-Z])/g, "<$1pmml:$2").replace("xmlns=", "xmlns:pmml=");
  const typed = `<?xml version="1.0"?><!DOCTYPE pmml:PMML PUBLIC "PMML 2.0" "pmml_v2_0.dtd">${prefixed}`;
  expect(await answersOf(await readPmml(typed), [{ x: 3 }])).toEqual({ y: [7] });
});

test.each(["2.0", "3.0", "3.2", "4.0", "4.4"])("reads version %s", async (version) => {
  expect(await answersOf(await readPmml(pmmlText(FIELDS, regression(), "", version)), [{ x: 3 }])).toEqual({ y: [7] });
});

test("reads UTF-16, ISO-8859-1 and a byte order mark", async () => {
  const text = pmmlText(FIELDS.replaceAll('"y"', '"é"'), regression().replaceAll('"y"', '"é"'));
  const encoded = [
    Buffer.from(`\ufeff${text}`, "utf16le"),
    Buffer.from(`<?xml version="1.0" encoding="ISO-8859-1"?>${text}`, "latin1"),
    Buffer.from(`\ufeff${text}`),
  ];
  for (const bytes of encoded) {
    expect(await answersOf(await readDocument(bytes, "model.pmml", NEVER), [{ x: 3 }])).toEqual({ é: [7] });
  }
});

test("serves the first model that is scorable", async () => {
  const other = regression()
    .replace("<RegressionModel", '<RegressionModel isScorable="false"')
    .replace('intercept="1"', 'intercept="100"');
  expect(await answersOf(await readPmml(pmmlText(FIELDS, other + regression())), [{ x: 3 }])).toEqual({ y: [7] });
});

describe("what is not covered fails the load by its name:", () => {
  const mining = (segment: string) =>
    `<MiningModel functionName="regression">${miningSchema(["x"], "y")}<Segmentation multipleModelMethod="sum"><Segment><True/>${segment}</Segment></Segmentation></MiningModel>`;
  test.each([
    ["a model", '<TimeSeriesModel functionName="timeSeries"/>', "<TimeSeriesModel> in line 1"],
    [
      "a model within another",
      mining(`<BayesianNetworkModel functionName="regression">${miningSchema(["x"])}</BayesianNetworkModel>`),
      "<BayesianNetworkModel> in line 1 is not covered",
    ],
    [
      "Cox regression",
      `<GeneralRegressionModel modelType="CoxRegression" functionName="regression">${miningSchema(["x"], "y")}</GeneralRegressionModel>`,
      'modelType="CoxRegression"',
    ],
    [
      "clusters of distributions",
      `<ClusteringModel functionName="clustering" modelClass="distributionBased">${miningSchema(["x"])}</ClusteringModel>`,
      'modelClass="distributionBased"',
    ],
    [
      "a function",
      regression(
        `<LocalTransformations>${derived('<Apply function="frobnicate"><FieldRef field="x"/></Apply>')}</LocalTransformations>`,
        USES_D,
      ),
      'the function "frobnicate"',
    ],
    [
      "an aggregate",
      regression(`<LocalTransformations>${derived('<Aggregate field="x" function="sum"/>')}</LocalTransformations>`, USES_D),
      "<Aggregate> in line 1 is not covered",
    ],
    [
      "a lag",
      regression(`<LocalTransformations>${derived('<Lag field="x"/>')}</LocalTransformations>`, USES_D),
      "<Lag> in line 1 is not covered",
    ],
    [
      "a table elsewhere",
      regression(
        `<LocalTransformations>${derived('<MapValues outputColumn="o"><FieldColumnPair field="x" column="a"/><TableLocator/></MapValues>')}</LocalTransformations>`,
        USES_D,
      ),
      "<TableLocator> in line 1 is not covered",
    ],
    [
      "a method of segments",
      mining(regression()).replace('"sum"', '"majorityVote"'),
      'multipleModelMethod="majorityVote" of a regression model',
    ],
    ["an output", regression('<Output><OutputField name="w" feature="warning"/></Output>'), 'feature="warning"'],
    [
      "a treatment",
      regression().replace('name="x"/>', 'name="x" invalidValueTreatment="asGuess"/>'),
      'invalidValueTreatment="asGuess"',
    ],
  ])("%s", async (_, model, message) => {
    const reading = readPmml(pmmlText(FIELDS, model));
    await expect(reading).rejects.toMatchObject({ code: "unimplemented" });
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toThrow("which is not covered".slice(-11));
  });

  test("a field that is cyclic, and a version that there is not", async () => {
    await expect(readPmml(pmmlText(FIELDS.replace("dataType", 'isCyclic="1" dataType'), regression()))).rejects.toThrow(
      'isCyclic="1"',
    );
    await expect(readPmml(pmmlText(FIELDS, regression(), "", "7.0"))).rejects.toThrow('version="7.0"');
  });
});

describe("what leads nowhere, or round in circles, is refused:", () => {
  const chain = (count: number) =>
    Array.from({ length: count }, (_, i) => derived(`<FieldRef field="${i === 0 ? "x" : `d${i - 1}`}"/>`, `d${i}`)).join("");
  const nested = (count: number, inner: string) => '<Apply function="abs">'.repeat(count) + inner + "</Apply>".repeat(count);
  const doubling = Array.from({ length: 40 }, (_, i) => {
    const inner = i === 0 ? '<FieldRef field="a"/>' : `<Apply function="f${i - 1}"><FieldRef field="a"/></Apply>`;
    return `<DefineFunction name="f${i}" optype="continuous"><ParameterField name="a"/><Apply function="+">${inner}${inner}</Apply></DefineFunction>`;
  }).join("");
  const call = (name: string) =>
    regression(
      `<LocalTransformations>${derived(`<Apply function="${name}"><FieldRef field="x"/></Apply>`)}</LocalTransformations>`,
      USES_D,
    );
  test.each([
    ["a field that is made of itself", regression("", USES_D), derived('<FieldRef field="d"/>'), "is made of itself"],
    [
      "two that are made of each other",
      regression("", USES_D),
      derived('<FieldRef field="e"/>') + derived('<FieldRef field="d"/>', "e"),
      "is made of itself",
    ],
    [
      "a function that calls itself",
      call("f"),
      '<DefineFunction name="f" optype="continuous"><ParameterField name="a"/><Apply function="f"><FieldRef field="a"/></Apply></DefineFunction>',
      "calls itself",
    ],
    ["functions that each call another twice", call("f39"), doubling, "more than 1000000 steps"],
    [
      "a long chain of fields",
      regression("", USES_D.replace('"d"', '"d4999"')),
      chain(5000),
      "a chain of more than 500 derived fields",
    ],
    [
      "expressions nested deep",
      regression("", USES_D),
      derived(nested(1900, '<FieldRef field="x"/>')),
      "more than 400 expressions within each other",
    ],
    ["a field that there is not", regression("", TABLE.replace('"x"', '"z"')), "", 'refers to the field "z", which there is not'],
    [
      "a parameter that there is not",
      call("f"),
      '<DefineFunction name="f" optype="continuous"><ParameterField name="a"/><FieldRef field="x"/></DefineFunction>',
      'refers to the field "x"',
    ],
    [
      "an argument too few",
      regression(
        `<LocalTransformations>${derived('<Apply function="pow"><FieldRef field="x"/></Apply>')}</LocalTransformations>`,
        USES_D,
      ),
      "",
      'gives 1 arguments to the function "pow"',
    ],
  ])("%s", async (_, model, transformations, message) => {
    await expect(readPmml(pmmlText(FIELDS, model, transformations))).rejects.toThrow(message);
  });

  test("but a chain that is long enough for all purposes is evaluated", async () => {
    const program = await readPmml(pmmlText(FIELDS, regression("", USES_D.replace('"d"', '"d230"')), chain(240)));
    expect(await answersOf(program, [{ x: 3 }])).toEqual({ y: [3] });
  });
});

describe("what does not fit together is refused:", () => {
  const vectors = (vector: string) =>
    `<SupportVectorMachineModel functionName="regression">${miningSchema(["x"], "y")}<LinearKernelType/><VectorDictionary><VectorFields><FieldRef field="x"/></VectorFields><VectorInstance id="v">${vector}</VectorInstance></VectorDictionary><SupportVectorMachine><SupportVectors><SupportVector vectorId="v"/></SupportVectors><Coefficients absoluteValue="0"><Coefficient value="1"/></Coefficients></SupportVectorMachine></SupportVectorMachineModel>`;
  test.each([
    ["a sparse vector as long as memory", vectors('<REAL-SparseArray n="1000000000"/>'), "has 1000000000 numbers, not 1"],
    [
      "an index beyond the vector",
      vectors("<REAL-SparseArray><Indices>5</Indices><REAL-Entries>1</REAL-Entries></REAL-SparseArray>"),
      "has 5 numbers, not 1",
    ],
    [
      "a vector that there is not",
      vectors("<Array>1</Array>").replace('vectorId="v"', 'vectorId="w"'),
      'is the vector "w", which there is not',
    ],
    [
      "a number that is none",
      regression("", TABLE.replace('coefficient="2"', 'coefficient="two"')),
      'has coefficient="two", which is no number',
    ],
    [
      "a default child that is no child",
      `<TreeModel functionName="regression">${miningSchema(["x"], "y")}<Node defaultChild="z"><True/><Node id="a"><True/></Node></Node></TreeModel>`,
      'has the default child "z"',
    ],
    [
      "a connection from a later layer",
      `<NeuralNetwork functionName="regression" activationFunction="tanh">${miningSchema(["x"], "y")}<NeuralInputs/><NeuralLayer><Neuron id="a"><Con from="a" weight="1"/></Neuron></NeuralLayer></NeuralNetwork>`,
      'is from "a", which is nothing before its layer',
    ],
    ["a model without a mining schema", '<RegressionModel functionName="regression"/>', "has no <MiningSchema>"],
    ["no model", "", "has no model that is scorable"],
  ])("%s", async (_, model, message) => {
    await expect(readPmml(pmmlText(FIELDS, model))).rejects.toMatchObject({ code: "data-loss" });
    await expect(readPmml(pmmlText(FIELDS, model))).rejects.toThrow(message);
  });
});

describe("a document that breaks off or is damaged", () => {
  const NAMES = ["lgbm_mixed", "knn", "el_network_shares", "el_general_ordinal_logit", "el_texts", "verified"];

  test.each(NAMES)("is refused by its name, or is another document: %s", async (name) => {
    const whole = readFileSync(fixture("pmml", name, "model.pmml"));
    for (let i = 0; i < 200; i++) {
      const at = Math.floor((whole.length * (i + 0.5)) / 200);
      const cut = readDocument(whole.subarray(0, at), "model.pmml", NEVER);
      await expect(cut, `cut off at ${at}`).rejects.toMatchObject({ code: "data-loss" });
      await expect(cut).rejects.toThrow(/^model\.pmml/);
      const changed = Buffer.from(whole);
      changed[at] = 0x30 + (i % 75);
      await readOrRefused(changed);
    }
  });

  async function readOrRefused(bytes: Buffer): Promise<void> {
    try {
      const program = await readDocument(bytes, "model.pmml", NEVER);
      const servable = new TabularServable(program);
      const [{ alias, dtype }] = servable.signatures.get("evaluate")!.inputs;
      if (dtype === "float64") {
        await servable.run("evaluate", new Map([[alias, { dtype, shape: [1], data: Float64Array.of(1) }]]), []);
      }
    } catch (reason) {
      if (!(reason instanceof ServingError)) throw reason;
      expect(["data-loss", "unimplemented", "invalid-argument"]).toContain(reason.code);
      if (reason.code !== "invalid-argument") expect(reason.message).toMatch(/^model\.pmml/);
    }
  }
});

test("gives way to others while it reads, and stops once the load was given up", async () => {
  const node = `<Node score="1"><SimplePredicate field="x" operator="lessThan" value="1"/></Node>`;
  const tree = `<TreeModel functionName="regression">${miningSchema(["x"], "y")}<Node><True/>${node.repeat(20_000)}</Node></TreeModel>`;
  const bytes = Buffer.from(pmmlText(FIELDS, tree));
  let turns = 0;
  const reading = readDocument(bytes, "model.pmml", NEVER);
  let done = false;
  void reading.finally(() => {
    done = true;
  });
  const count = () => {
    turns++;
    if (!done) setImmediate(count);
  };
  setImmediate(count);
  await reading;
  expect(turns).toBeGreaterThan(5);
  const abort = new AbortController();
  const given = readDocument(bytes, "model.pmml", abort.signal);
  abort.abort();
  await expect(given).rejects.toThrow();
});
