import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestDocument } from "../../src/api/openapi/test-document.ts";
import { fixture, temporaryFolder } from "../support/folders.ts";
import { type GoldenTensor, nestedJson } from "../support/golden.ts";
import { rest } from "../support/rest.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { LIBRARY } from "../support/tensorflow.ts";

interface GoldenCase {
  readonly signature?: string;
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
}

interface FixtureModel {
  readonly name: string;
  readonly platform: string;
  readonly path: string;
  readonly cases: readonly GoldenCase[];
}

const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  onnx: readdirSync(fixture("onnx")).sort(),
  xgboost: ["multi_softprob", "binary_missing", "categorical", "two_targets_v31"],
  sklearn: ["logreg_iris", "tree_missing", "pca_logreg_strings", "rf_iris"],
  tensorflow:
    LIBRARY === undefined ? [] : ["tf1_classify_regress", "tf2_dtypes", "tf2_keras_mlp", "tf2_multi_signature", "tf2_string"],
};

/** The file of a tabular model; the others are folders. */
const FILES: Readonly<Record<string, string>> = { xgboost: "model.json", sklearn: "model.pkl" };

/** Models whose recorded calls the server answers in columns alone. */
const WITHOUT_ROWS: ReadonlySet<string> = new Set(["scalar_rank0", "torch_pairtuple", "tf2_dtypes", "tf2_multi_signature"]);

const MODELS: readonly FixtureModel[] = Object.entries(FOLDERS).flatMap(([platform, names]) =>
  names.map((name) => {
    const folder = fixture(platform, name);
    // Integers that a double cannot hold, as texts.
    const text = readFileSync(join(folder, "golden.json"), "utf8").replace(/(?<=[[ ,])-?\d{16,}(?=[\],])/g, '"$&"');
    const file = FILES[platform];
    return { name, platform, path: file === undefined ? folder : join(folder, file), cases: JSON.parse(text) as GoldenCase[] };
  }),
);

const folder = temporaryFolder();
let server: RunningServer;
let document: TestDocument;

const config = () => {
  const entries = MODELS.map(({ name, path, platform }) => [name, { base_path: path, platform }]);
  const file = join(folder.path, "models.json");
  writeFileSync(file, JSON.stringify({ models: Object.fromEntries(entries) }));
  return `--model_config_file=${file}`;
};

beforeAll(async () => {
  server = await startServer([config(), "--enable_admin_api"]);
  document = new TestDocument((await rest(`${server.url}/openapi.json`)).text);
}, 60_000);

afterAll(() => server?.stop());

test("the document of a server with models of every platform is valid", async () => {
  expect(await document.faults()).toBeUndefined();
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
  expect(document.root).toMatchObject({ info: { version } });
});

test("who has it already is told so", async () => {
  const first = await fetch(`${server.url}/openapi.json`);
  expect(first.headers.get("content-type")).toBe("application/json");
  const again = await fetch(`${server.url}/openapi.json`, { headers: { "if-none-match": first.headers.get("etag")! } });
  expect([again.status, await again.text()]).toEqual([304, ""]);
  const head = await fetch(`${server.url}/openapi.json`, { method: "HEAD" });
  expect([head.status, head.headers.get("etag"), await head.text()]).toEqual([200, first.headers.get("etag"), ""]);
});

describe.each(MODELS)("what $name ($platform) takes and gives", ({ name, platform, cases }) => {
  test("is what the document says, in columns and in rows", async () => {
    const predict = document.operation("post", `/v1/models/${name}:predict`);
    let rows = 0;
    for (const { signature = "serving_default", inputs } of cases) {
      const tensors = Object.entries(inputs).map(([alias, tensor]) => [alias, plainTensor(tensor)] as const);
      for (const body of [columns(signature, tensors, platform), inRows(signature, tensors, platform)]) {
        if (body === undefined) continue;
        const { status, text } = await rest(`${server.url}/v1/models/${name}:predict`, body);
        // Rows are not for every model; what it does with columns its framework has recorded.
        const asRows = body.includes('"instances"');
        if (!asRows) expect(status, text).toBe(200);
        if (text.includes("has no shape information")) expect(document.requestFault(predict, parse(body)), text).toBeDefined();
        if (status !== 200) continue;
        if (asRows) rows++;
        expect(document.requestFault(predict, parse(body)), body).toBeUndefined();
        expect(document.answerFault(predict, parse(text)), text).toBeUndefined();
      }
    }
    expect(rows > 0 || WITHOUT_ROWS.has(name)).toBe(true);
  });

  test("an example of the document is answered", async () => {
    const body = document.at(`#/components/requestBodies/${name}.predict/content/application~1json`) as {
      readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
    };
    const predict = document.operation("post", `/v1/models/${name}:predict`);
    for (const { value } of Object.values(body.examples ?? {})) {
      const { status, text } = await rest(`${server.url}/v1/models/${name}:predict`, JSON.stringify(value));
      expect(status, text).toBe(200);
      expect(document.requestFault(predict, value)).toBeUndefined();
      expect(document.answerFault(predict, parse(text)), text).toBeUndefined();
    }
  });

  test.each(["", "/metadata", "/versions/{version}", "/versions/{version}/metadata"])(
    "is described at its path%s as the document says",
    async (suffix) => {
      const path = `/v1/models/${name}${suffix}`;
      const { status, text } = await rest(`${server.url}${path.replace("{version}", "1")}`);
      expect(status).toBe(200);
      expect(document.answerFault(document.operation("get", path), JSON.parse(text)), text).toBeUndefined();
    },
  );
});

test.each([
  ["an unknown model", "/v1/models/none:predict", '{"instances": [1]}', "404"],
  ["what is no JSON", "/v1/models/torch_mlp:predict", "{", "400"],
])("an error for %s is as the document says", async (_, path, body, status) => {
  const answer = await rest(`${server.url}${path}`, body);
  expect(String(answer.status)).toBe(status);
  const predict = document.operation("post", "/v1/models/torch_mlp:predict");
  expect(document.answerFault(predict, JSON.parse(answer.text), status)).toBeUndefined();
});

test.each(["/livez", "/readyz", "/health", "/metrics", "/monitoring/prometheus/metrics", "/v1/config", "/openapi.json"])(
  "%s, which the document has, is there",
  async (path) => {
    const { status, contentType } = await rest(`${server.url}${path}`);
    expect(status).toBe(200);
    const [type] = Object.keys((document.operation("get", path).responses["200"] as { readonly content: object }).content);
    expect(contentType?.split(";")[0]).toBe(type);
  },
);

type Named = readonly (readonly [alias: string, tensor: GoldenTensor])[];

/** Tabular fixtures name their types as numpy does. */
function plainTensor(tensor: GoldenTensor): GoldenTensor {
  return { ...tensor, dtype: String(tensor.dtype) === "string" ? "DT_STRING" : tensor.dtype };
}

function columns(signature: string, tensors: Named, platform: string): string {
  return body(signature, "inputs", `{${members(tensors, platform)}}`);
}

/** The same in rows, where the inputs have the same number of them. */
function inRows(signature: string, tensors: Named, platform: string): string | undefined {
  const [count, ...others] = new Set(tensors.map(([, { shape }]) => shape[0]));
  if (count === undefined || count === 0 || others.length > 0) return undefined;
  const rows = Array.from(
    { length: count },
    (_, row) =>
      `{${members(
        tensors.map((each) => rowOf(each, row)),
        platform,
      )}}`,
  );
  return body(signature, "instances", `[${rows.join(",")}]`);
}

function rowOf([alias, { dtype, shape, data }]: Named[number], row: number): Named[number] {
  const size = data.length / shape[0]!;
  return [alias, { dtype, shape: shape.slice(1), data: data.slice(row * size, (row + 1) * size) }];
}

function members(tensors: Named, platform: string): string {
  // TensorFlow's fixtures have their texts in base64.
  const text = (value: unknown) => (platform === "tensorflow" ? { b64: value } : value);
  return tensors.map(([alias, tensor]) => `${JSON.stringify(alias)}:${nestedJson(tensor, text)}`).join(",");
}

function body(signature: string, member: string, value: string): string {
  return `{"signature_name":${JSON.stringify(signature)},"${member}":${value}}`;
}

/** A body of the API: its words for numbers that are not finite are numbers. */
function parse(text: string): unknown {
  return JSON.parse(text.replace(/(?<=[[\s,:])(?:NaN|-?Infinity)(?=[\],\s}])/g, "0"));
}
