import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rest } from "../support/rest.ts";
import { type RunningServer, startServer } from "../support/server.ts";

/** One row of the tables that restate TensorFlow Serving's own unit tests (see the fixtures' README). */
interface Case {
  readonly id: string;
  readonly verb: string;
  readonly path: string;
  readonly body: string | null;
  readonly body_gen?: {
    readonly prefix: string;
    readonly open: string;
    readonly n: number;
    readonly close: string;
    readonly suffix: string;
  };
  readonly gzip?: boolean;
  readonly mode?: string;
  readonly needs_ops?: readonly string[];
  readonly why?: string;
  readonly expect: {
    readonly status: number;
    readonly json?: string;
    readonly numbers_as_text?: boolean;
    readonly error_contains?: string;
    readonly json_path?: Readonly<Record<string, unknown>>;
    readonly content_type?: string;
  };
}

const FIXTURES = new URL("../fixtures/", import.meta.url).pathname;
const ODD_NAME = "modelname!#$%&'()*+,/:;=?@[]";
const ODD_LABEL = "latest!#$%&'()*+,/:;=?@[]";
const HALF_PLUS_TWO = "saved_model_half_plus_two_2_versions";

/** Cases that an ONNX model cannot exercise, and why. Those marked `unit` or `needs_ops` in the tables say so themselves. */
const NOT_APPLICABLE: Readonly<Record<string, string>> = {
  SingleUnnamedTensorWithSignature: "an ONNX model has the one signature serving_default",
  "Regress#1": "needs ParseExample, which ONNX has not",
  "Regress#2": "needs ParseExample, which ONNX has not",
  "Regress#3": "needs ParseExample, which ONNX has not",
  "Classify#1": "needs ParseExample, which ONNX has not",
  "Classify#2": "needs ParseExample, which ONNX has not",
  GetModelMetadata: "expects the SavedModel's own signature list",
};

const MODELS = [
  ..."int32 float double string int64 uint8 int8 int16 uint32 uint64 bool half uint16 multi4 int_named str two three five bytes scalar badbatch zero1 zero2 zero_bad"
    .split(" ")
    .map((name) => `jt_${name}`),
  "cr_classify",
  "cr_regress",
  "cr_regress_nonfinite",
];

const folder = mkdtempSync(join(tmpdir(), "modelport-"));
let server: RunningServer;

beforeAll(async () => {
  const config = (name: string, base: string, labels = "") =>
    `config { name: ${JSON.stringify(name)} base_path: ${JSON.stringify(join(FIXTURES, "identity", base))} model_platform: "onnx" ${labels} }`;
  const label = (text: string) => `version_labels { key: ${JSON.stringify(text)} value: 123 }`;
  const file = join(folder, "models.config");
  const list = [
    ...MODELS.map((name) => config(name, name)),
    config(HALF_PLUS_TWO, HALF_PLUS_TWO, label("Version_Label")),
    config("modelname", HALF_PLUS_TWO, `${label("latest")} ${label(ODD_LABEL)}`),
    config(ODD_NAME, HALF_PLUS_TWO, `${label("latest")} ${label(ODD_LABEL)}`),
  ];
  writeFileSync(file, `model_config_list {\n${list.join("\n")}\n}\n`);
  server = await startServer([`--model_config_file=${file}`, "--allow_version_labels_for_unavailable_models"]);
});

afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true });
});

/** Why a case is not run, or undefined when it is. */
function reason(row: Case): string | undefined {
  if (row.mode === "unit") return `not observable over the network: ${row.why}`;
  if (row.needs_ops !== undefined && !row.id.includes("JsonErrors")) return `needs TensorFlow's ${row.needs_ops.join(", ")}`;
  return NOT_APPLICABLE[row.id] || undefined;
}

/** JSON with the bare words the API writes for numbers that are not finite. */
function parse(text: string): unknown {
  return JSON.parse(text.replace(/(?<=[[,:\s])(NaN|-?Infinity)(?=[\],}\s])/g, '"$1"'));
}

function at(value: unknown, path: string): unknown {
  return path.split(".").reduce((node, key) => (node as Record<string, unknown>)[key], value);
}

describe.each(["json_tensor", "http_rest_api_handler", "http_rest_api_util"])("%s", (table) => {
  const { cases } = JSON.parse(readFileSync(join(FIXTURES, "cases", `${table}.json`), "utf8")) as { cases: Case[] };

  test.each(cases.filter((row) => reason(row) === undefined))("$id: $verb $path", async (row) => {
    const { body_gen: generated, expect: wanted } = row;
    const text = generated
      ? generated.prefix + generated.open.repeat(generated.n) + generated.close.repeat(generated.n) + generated.suffix
      : (row.body ?? undefined);
    const body = row.gzip && text !== undefined ? gzipSync(text) : text;
    const answer = await rest(server.url + row.path, body, {
      method: row.verb,
      headers: row.gzip ? { "content-encoding": "gzip" } : {},
    });

    expect(answer.status, answer.text.slice(0, 300)).toBe(wanted.status);
    if (wanted.content_type !== undefined) expect(answer.contentType).toBe(wanted.content_type);
    if (wanted.error_contains !== undefined)
      expect((JSON.parse(answer.text) as { error: string }).error).toContain(wanted.error_contains);
    if (wanted.json !== undefined) {
      expect(parse(answer.text)).toEqual(parse(wanted.json));
      if (wanted.numbers_as_text) expect(answer.text.replace(/\s/g, "")).toBe(wanted.json.replace(/\s/g, ""));
    }
    for (const [path, value] of Object.entries(wanted.json_path ?? {})) expect(at(JSON.parse(answer.text), path)).toEqual(value);
  });

  test("the cases left out are those the list names", () => {
    const left = cases.filter((row) => reason(row) !== undefined).map((row) => `${row.id}: ${reason(row)}`);
    expect(left).toMatchSnapshot();
  });
});
