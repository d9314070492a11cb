import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DType } from "../../tensor/dtype.ts";
import type { Signature, TensorInfo } from "../../tensor/signature.ts";
import { OpenApiDocument } from "./openapi-document.ts";
import { RULES, servable, signature, TestDocument, tableOf, tensor } from "./test-document.ts";

const SIGNATURE = signature([tensor("x", "float32", [-1, 2])], [tensor("y", "float32", [-1])]);
const CLASSIFY = signature(
  [tensor("inputs", "string", [-1])],
  [tensor("classes", "string", [-1, -1]), tensor("scores", "float32", [-1, -1])],
  { methodName: "tensorflow/serving/classify" },
);
const REGRESS = signature([tensor("inputs", "string", [-1])], [tensor("outputs", "float32", [-1])], {
  methodName: "tensorflow/serving/regress",
});

const read = async (document: OpenApiDocument) => new TestDocument((await document.current()).bytes);

async function documentOf(models: Parameters<typeof tableOf>[0], rules: Partial<typeof RULES> = {}): Promise<TestDocument> {
  return await read(new OpenApiDocument(await tableOf(models), { ...RULES, ...rules }));
}

const pathsOf = ({ root }: TestDocument) => Object.keys(root.paths);

describe("the document", () => {
  test.each([
    ["nothing", [], {}],
    ["a model", [["m", { serving_default: SIGNATURE }]] as const, {}],
    [
      "everything that can be turned on",
      [["m", { serving_default: SIGNATURE }]] as const,
      { authenticated: true, adminApi: true },
    ],
  ])("is valid when there is %s", async (_, models, rules) => {
    expect(await (await documentOf(models, rules)).faults()).toBeUndefined();
  });

  test("says which server it is of, and that paths begin where it lies itself", async () => {
    const { root } = await documentOf([]);
    expect(root).toMatchObject({ openapi: "3.1.0", info: { title: "modelport", version: "1.2.3" }, servers: [{ url: "." }] });
  });

  test("names no operation twice", async () => {
    const models = ["m", "m_version", "Version_m", "a.b", "a-b", "a b"].map(
      (name) => [name, { serving_default: SIGNATURE, classify: CLASSIFY }] as const,
    );
    const { root } = await documentOf(models, { adminApi: true });
    const ids = Object.values(root.paths).flatMap((path) => Object.values(path).flatMap(({ operationId }) => operationId ?? []));
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("has the paths that the options turn on, and no others", async () => {
    const off = pathsOf(await documentOf([], { metricsPath: undefined }));
    expect(off).toEqual([
      "/",
      "/v1/models",
      "/v1/models/{name}/detail",
      "/v1/models/{name}/gen_json",
      "/v1/models/{name}/gen_client",
      "/livez",
      "/readyz",
      "/health",
      "/openapi.json",
    ]);
    const on = pathsOf(await documentOf([], { adminApi: true, metricsPath: "/my/metrics" }));
    expect(on.filter((path) => !off.includes(path))).toEqual([
      "/v1/config",
      "/v1/config/models/{name}",
      "/metrics",
      "/my/metrics",
    ]);
  });

  test.each(["/v1/models/m", "/a{b}", "/metrics"])("stays valid with metrics at %s", async (metricsPath) => {
    const document = await documentOf([["m", { serving_default: SIGNATURE }]], { metricsPath });
    expect(await document.faults()).toBeUndefined();
    expect(document.operation("get", "/v1/models/m").operationId).toBe("status_m");
  });

  test("asks for credentials where the server does, health aside", async () => {
    const open = await documentOf([]);
    expect(open.root.security).toBeUndefined();
    const { root, ...closed } = await documentOf([["m", { serving_default: SIGNATURE }]], { authenticated: true }).then(
      (document) => ({
        root: document.root,
        predict: document.operation("post", "/v1/models/m:predict"),
        health: document.operation("get", "/readyz"),
      }),
    );
    expect(root.security).toEqual([{ basic: [] }, { bearer: [] }]);
    expect(Object.keys(closed.predict.responses)).toEqual(expect.arrayContaining(["401", "403"]));
    expect(closed.health.security).toEqual([]);
  });
});

describe("of a model", () => {
  test("there are a path for the latest version, for others and, where it has labels, for these", async () => {
    const table = await tableOf([["m", { serving_default: SIGNATURE }]]);
    await table.servables.publish({ name: "m", version: 7n }, servable({ serving_default: SIGNATURE }));
    const document = new OpenApiDocument(table, RULES);
    const before = pathsOf(await read(document)).filter((path) => path.startsWith("/v1/models/m"));
    expect(before).toEqual([
      "/v1/models/m:predict",
      "/v1/models/m",
      "/v1/models/m/metadata",
      "/v1/models/m/versions/{version}:predict",
      "/v1/models/m/versions/{version}",
      "/v1/models/m/versions/{version}/metadata",
    ]);
    table.setLabels(new Map([["m", new Map([["stable", 1n]])]]));
    const labelled = await read(document);
    const after = pathsOf(labelled).filter((path) => path.startsWith("/v1/models/m"));
    expect(after.slice(before.length)).toEqual(["/v1/models/m/labels/{label}:predict", "/v1/models/m/labels/{label}/metadata"]);
    expect(labelled.operation("post", "/v1/models/m:predict").description).toContain("Version 7 answers");
    expect(labelled.operation("post", "/v1/models/m/labels/{label}:predict").description).toContain("stable (1)");
    expect(await labelled.faults()).toBeUndefined();
  });

  test.each<[string, Record<string, Signature>, Partial<typeof RULES>, readonly string[]]>([
    ["predicts", { serving_default: SIGNATURE }, {}, ["predict"]],
    ["classifies", { serving_default: CLASSIFY }, {}, ["predict", "classify"]],
    ["regresses", { a: SIGNATURE, b: REGRESS }, {}, ["predict", "regress"]],
    ["would regress, were its name another", { b: { ...REGRESS, methodName: "x" } }, { checksMethodNames: true }, []],
    ["JSON cannot call", { a: { ...SIGNATURE, uncallable: "it has a sparse input" } }, {}, []],
  ])("the calls are listed that it answers: it %s", async (_, signatures, rules, calls) => {
    const document = await documentOf([["m", signatures]], rules);
    const verbs = pathsOf(document).flatMap((path) => /^\/v1\/models\/m:(.*)/.exec(path)?.[1] ?? []);
    expect(verbs).toEqual(calls);
    expect(await document.faults()).toBeUndefined();
  });

  test("examples to classify are taken as the server takes them", async () => {
    const document = await documentOf([["m", { serving_default: SIGNATURE, c: CLASSIFY }]]);
    const classify = document.operation("post", "/v1/models/m:classify");
    const fault = (body: unknown) => document.requestFault(classify, body);
    expect(
      fault({ signature_name: "c", examples: [{ x: 1, y: [1.5, 2], z: { b64: "YQ==" } }], context: { w: true } }),
    ).toBeUndefined();
    expect(fault({ examples: [{ x: 1 }] })).toContain("signature_name");
    expect(fault({ signature_name: "c", examples: [] })).toBeDefined();
    expect(fault({ signature_name: "c", examples: [{ x: [[1]] }] })).toBeDefined();
    expect(document.answerFault(classify, { results: [[["a", 0.5]]] })).toBeUndefined();
    expect(document.answerFault(classify, { results: [["a", 0.5]] })).toBeDefined();
  });

  test("examples are the recorded one and small ones for the other signatures, and its schema takes them", async () => {
    const large = signature([tensor("x", "float32", [-1, 224, 224, 3])], SIGNATURE.outputs);
    const table = await tableOf([["m", { serving_default: SIGNATURE, other: SIGNATURE, large }]]);
    table.setAbout(
      { name: "m", version: 1n },
      { platform: "onnx", why: "", loadMs: 1, loadedAtMs: 1, fileBytes: 1, example: '{"instances": [[5, 6]]}' },
    );
    const document = await read(new OpenApiDocument(table, RULES));
    const { examples } = document.at("#/components/requestBodies/m.predict/content/application~1json") as {
      readonly examples: Record<string, { readonly value: unknown }>;
    };
    expect(Object.keys(examples)).toEqual(["recorded", "other"]);
    expect(examples.recorded!.value).toEqual({ instances: [[5, 6]] });
    for (const { value } of Object.values(examples)) {
      expect(document.requestFault(document.operation("post", "/v1/models/m:predict"), value)).toBeUndefined();
    }
  });

  test.each(["{", '{"instances": [NaN]}', '{"instances": [9007199254740993]}'])(
    "a recorded example that JSON cannot keep is left out: %s",
    async (example) => {
      const table = await tableOf([["m", { serving_default: SIGNATURE }]]);
      table.setAbout({ name: "m", version: 1n }, { platform: "onnx", why: "", loadMs: 1, loadedAtMs: 1, fileBytes: 1, example });
      const document = await read(new OpenApiDocument(table, RULES));
      const content = document.at("#/components/requestBodies/m.predict/content/application~1json") as {
        readonly examples: object;
      };
      expect(Object.keys(content.examples)).toEqual(["serving_default"]);
    },
  );

  test.each<[string, TensorInfo, boolean]>([
    ["pixels", tensor("x", "uint8", [-1, 8, 8, 3]), true],
    ["encoded images", tensor("x", "string", [-1]), true],
    ["numbers", tensor("x", "float32", [-1, 4]), false],
  ])("a form with images is taken where it takes %s: %#", async (_, input, taken) => {
    const document = await documentOf([["m", { serving_default: signature([input], SIGNATURE.outputs) }]]);
    const content = document.at("#/components/requestBodies/m.predict/content") as object;
    expect("multipart/form-data" in content).toBe(taken);
    expect(await document.faults()).toBeUndefined();
  });
});

describe("names", () => {
  const HARD = [
    "__proto__",
    "constructor",
    "toString",
    "a/b",
    "{name}",
    "a~b",
    "100%",
    "a:predict",
    "?x#y",
    "",
    "é\u0000",
    "a b",
    "..",
    "$ref",
  ];

  test.each(HARD)("%j of a model, a signature and a tensor are as they are", async (name) => {
    const info = (dtype: DType) => tensor(name, dtype, [-1]);
    const signatures = new Map([
      [name, signature([info("bool"), tensor("other", "bool", [-1])], [info("int8"), tensor("z", "int8", [-1])])],
    ]);
    const document = await documentOf([[name, signatures]]);
    expect(await document.faults()).toBeUndefined();
    const predict = document.operation("post", `/v1/models/${encodeURIComponent(name)}:predict`);
    const request = Object.fromEntries<unknown>([
      [name, [true]],
      ["other", [true]],
    ]);
    const answer = Object.fromEntries<unknown>([
      [name, [1]],
      ["z", [1]],
    ]);
    const wrong = Object.fromEntries<unknown>([
      [name, ["x"]],
      ["other", [true]],
    ]);
    expect(document.requestFault(predict, { signature_name: name, inputs: request })).toBeUndefined();
    expect(document.requestFault(predict, { signature_name: name, inputs: wrong })).toBeDefined();
    expect(document.answerFault(predict, { outputs: answer })).toBeUndefined();
    // The validator of the test takes nothing for a name when it looks for what is missing.
    if (name === "") return;
    expect(document.requestFault(predict, { signature_name: name, inputs: { other: [true] } })).toBeDefined();
    expect(document.answerFault(predict, { outputs: { z: [1] } })).toBeDefined();
  });

  test("of any letters give a valid document with a path for each model", async () => {
    const name = fc.oneof(fc.string({ unit: "binary", maxLength: 8 }), fc.constantFrom(...HARD));
    const dtype = fc.constantFrom<DType>("float32", "int64", "uint64", "string", "bool", "float16", "uint8", "complex64");
    const shape = fc.option(fc.array(fc.integer({ min: -1, max: 3 }), { maxLength: 5 }), { nil: undefined });
    const info = fc.record({
      alias: name,
      name,
      dtype,
      shape,
      optional: fc.boolean(),
      dimensionNames: fc.array(name, { maxLength: 3 }),
    });
    const infos = fc.uniqueArray(info, { selector: ({ alias }) => alias, maxLength: 4 });
    const made = fc.record({ inputs: infos, outputs: infos, methodName: name });
    const signatures = fc.array(fc.tuple(name, made), { maxLength: 3 }).map((entries) => new Map<string, Signature>(entries));
    const models = fc.uniqueArray(fc.tuple(name, signatures), { selector: ([each]) => each, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(models, fc.boolean(), async (served, all) => {
        const document = await documentOf(served, { authenticated: all, adminApi: all });
        expect(await document.faults()).toBeUndefined();
        for (const [each] of served) {
          expect(document.operation("get", `/v1/models/${encodeURIComponent(each)}`).operationId).toMatch(/^status_/);
        }
      }),
      { numRuns: 40 },
    );
  });

  test("that no path can hold are left out", async () => {
    const paths = pathsOf(await documentOf([["\ud800", { serving_default: SIGNATURE }]]));
    expect(paths.filter((path) => path.endsWith(":predict"))).toEqual([]);
  });
});

describe("the text", () => {
  test("is kept while nothing changes, and by another thread the same", async () => {
    const table = await tableOf([["m", { serving_default: SIGNATURE }]]);
    const document = new OpenApiDocument(table, RULES);
    const first = await document.current();
    expect(await document.current()).toBe(first);
    const other = await new OpenApiDocument(table, RULES).current();
    expect(other.tag).toBe(first.tag);
    expect(Buffer.from(other.bytes).equals(first.bytes)).toBe(true);
  });

  test("changes with what is served, and comes back with it", async () => {
    const table = await tableOf([["m", { serving_default: SIGNATURE }]]);
    const document = new OpenApiDocument(table, RULES);
    const first = await document.current();
    await table.servables.publish({ name: "m", version: 2n }, servable({ serving_default: SIGNATURE }));
    const second = await document.current();
    await table.servables.replace({ name: "m", version: 2n }, servable({ serving_default: REGRESS }));
    const third = await document.current();
    await table.servables.retire({ name: "m", version: 2n });
    const fourth = await document.current();
    await table.servables.retire({ name: "m", version: 1n });
    const fifth = await document.current();
    expect(new Set([first, second, third, fifth].map(({ tag }) => tag)).size).toBe(4);
    expect(fourth.tag).toBe(first.tag);
    expect(pathsOf(new TestDocument(fifth.bytes)).filter((path) => path.startsWith("/v1/models/m"))).toEqual([]);
  });

  test("is written once for all who wait, and others have their turn meanwhile", async () => {
    const models = Array.from({ length: 100 }, (_, i) => [`m${i}`, { serving_default: SIGNATURE }] as const);
    const document = new OpenApiDocument(await tableOf(models), RULES);
    const other = new Promise<string>((resolve) => setImmediate(() => resolve("another request")));
    const all = [document.current(), document.current(), document.current()];
    expect(await Promise.race([...all, other])).toBe("another request");
    const [first, second, third] = await Promise.all(all);
    expect(second).toBe(first);
    expect(third).toBe(first);
  });

  test("is of what is served when it is asked for, though an older one is being written", async () => {
    const models = Array.from({ length: 100 }, (_, i) => [`m${i}`, { serving_default: SIGNATURE }] as const);
    const table = await tableOf(models);
    const document = new OpenApiDocument(table, RULES);
    const older = document.current();
    await table.servables.publish({ name: "late", version: 1n }, servable({ serving_default: SIGNATURE }));
    const paths = pathsOf(await read(document));
    expect(paths).toContain("/v1/models/late:predict");
    expect(pathsOf(new TestDocument((await older).bytes))).not.toContain("/v1/models/late:predict");
  });

  test("holds a hundred inputs", async () => {
    const inputs = Array.from({ length: 100 }, (_, i) => tensor(`x${i}`, "float32", [-1]));
    const document = await documentOf([["m", { serving_default: signature(inputs, SIGNATURE.outputs) }]]);
    const row = Object.fromEntries(inputs.map(({ alias }) => [alias, 1]));
    const predict = document.operation("post", "/v1/models/m:predict");
    expect(document.requestFault(predict, { instances: [row] })).toBeUndefined();
    expect(document.requestFault(predict, { instances: [{ ...row, x99: "x" }] })).toBeDefined();
  });
});
