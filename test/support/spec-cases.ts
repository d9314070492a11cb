import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ExampleSchema } from "../../src/gen/tensorflow/core/example/example_pb.ts";
import type { Feature } from "../../src/gen/tensorflow/core/example/feature_pb.ts";
import { fixture, temporaryFolder } from "./folders.ts";
import { rest } from "./rest.ts";
import { type RunningServer, startServer } from "./server.ts";

/** One row of the tables that restate TensorFlow Serving's own unit tests (see the fixtures' README). */
export interface SpecCase {
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
    /** A file with the JSON; only models that have it beside their version folders are asked. */
    readonly json_file?: string;
    readonly numbers_as_text?: boolean;
    readonly error_contains?: string;
    readonly json_path?: Readonly<Record<string, unknown>>;
    readonly content_type?: string;
    /** Of each Example its features: the first letter of the kind, then the values. */
    readonly echoed_examples?: readonly Readonly<Record<string, readonly [kind: string, ...values: (string | number)[]]>>[];
  };
}

/** Models of one kind that have the names of the tables. */
export interface SpecModels {
  /** The folder below the fixtures where each has one of its own. */
  readonly folder: readonly string[];
  readonly platform: string;
  readonly flags: readonly string[];
  /** Why a case cannot be shown with these models; undefined when it can. */
  readonly reason: (row: SpecCase) => string | undefined;
}

/** Cases that are answered otherwise on purpose, and where that is written down. */
const DIFFERENT: ReadonlyMap<string, string> = new Map(
  ["kPathRegex#1", "UnsupportedApiCalls#3"].map((id) => [
    id,
    "GET /v1/models lists the models: docs/reference/tf-serving-differences.md",
  ]),
);

const TABLES = ["json_tensor", "http_rest_api_handler", "http_rest_api_util"];
const ODD_NAME = "modelname!#$%&'()*+,/:;=?@[]";
const ODD_LABEL = "latest!#$%&'()*+,/:;=?@[]";
const HALF_PLUS_TWO = "saved_model_half_plus_two_2_versions";

/** Defines the tests of all tables on models of one kind: each case that they can show, and which are left out by snapshot. */
export function describeSpecCases({ folder, platform, flags, reason }: SpecModels): void {
  const base = fixture(...folder);
  let scratch: ReturnType<typeof temporaryFolder>;
  let server: RunningServer;

  beforeAll(async () => {
    scratch = temporaryFolder();
    const config = (name: string, of: string, labels = "") =>
      `config { name: ${JSON.stringify(name)} base_path: ${JSON.stringify(join(base, of))} model_platform: "${platform}" ${labels} }`;
    const label = (text: string) => `version_labels { key: ${JSON.stringify(text)} value: 123 }`;
    const file = join(scratch.path, "models.config");
    const list = [
      ...readdirSync(base).map((name) => config(name, name, name === HALF_PLUS_TWO ? label("Version_Label") : "")),
      config("modelname", HALF_PLUS_TWO, `${label("latest")} ${label(ODD_LABEL)}`),
      config(ODD_NAME, HALF_PLUS_TWO, `${label("latest")} ${label(ODD_LABEL)}`),
    ];
    writeFileSync(file, `model_config_list {\n${list.join("\n")}\n}\n`);
    server = await startServer([`--model_config_file=${file}`, "--allow_version_labels_for_unavailable_models", ...flags]);
  }, 120_000);

  afterAll(async () => {
    await server?.stop();
    scratch?.remove();
  });

  const leftOut = (row: SpecCase): string | undefined =>
    row.mode === "unit" ? `not observable over the network: ${row.why}` : (DIFFERENT.get(row.id) ?? reason(row));

  describe.each(TABLES)("%s", (table) => {
    const { cases } = JSON.parse(readFileSync(fixture("cases", `${table}.json`), "utf8")) as { cases: SpecCase[] };

    test.each(cases.filter((row) => leftOut(row) === undefined))("$id: $verb $path", async (row) => {
      await check(row, server.url, base);
    });

    test("the cases left out are those the list names", () => {
      const left = cases.flatMap((row) => {
        const why = leftOut(row);
        return why === undefined ? [] : [`${row.id}: ${why}`];
      });
      expect(left).toMatchSnapshot();
    });
  });
}

async function check(row: SpecCase, url: string, base: string): Promise<void> {
  const { body_gen: generated, expect: wanted } = row;
  const text = generated
    ? generated.prefix + generated.open.repeat(generated.n) + generated.close.repeat(generated.n) + generated.suffix
    : (row.body ?? undefined);
  const body = row.gzip && text !== undefined ? gzipSync(text) : text;
  const answer = await rest(url + row.path, body, {
    method: row.verb,
    headers: row.gzip ? { "content-encoding": "gzip" } : {},
  });

  expect(answer.status, answer.text.slice(0, 300)).toBe(wanted.status);
  if (wanted.content_type !== undefined) expect(answer.contentType).toBe(wanted.content_type);
  if (wanted.error_contains !== undefined)
    expect((JSON.parse(answer.text) as { error: string }).error).toContain(wanted.error_contains);
  if (wanted.json !== undefined) {
    expect(parse(answer.text)).toEqual(parse(wanted.json));
    if (wanted.numbers_as_text) expect(parseDigits(answer.text)).toEqual(parseDigits(wanted.json));
  }
  if (wanted.json_file !== undefined) {
    const file = join(base, ...wanted.json_file.replace("_metadata.json", "/metadata.json").split("/"));
    expect(JSON.parse(answer.text)).toEqual(JSON.parse(readFileSync(file, "utf8")));
  }
  for (const [path, value] of Object.entries(wanted.json_path ?? {})) expect(at(JSON.parse(answer.text), path)).toEqual(value);
  if (wanted.echoed_examples !== undefined) expect(echoedExamples(answer.text)).toEqual(wanted.echoed_examples);
}

/** JSON with the bare words the API writes for numbers that are not finite. */
function parse(text: string): unknown {
  return JSON.parse(text.replace(/(?<=[[,:\s])(NaN|-?Infinity)(?=[\],}\s])/g, '"$1"'));
}

/** JSON with every number as the text it is written in: the order of keys is nobody's promise, the digits are. */
function parseDigits(text: string): unknown {
  return JSON.parse(
    text.replace(/"(?:[^"\\]|\\.)*"|-?(?:\d[\d.eE+-]*|Infinity)|NaN/g, (token) => (token[0] === '"' ? token : `"${token}"`)),
  );
}

function at(value: unknown, path: string): unknown {
  return path.split(".").reduce((node, key) => (node as Record<string, unknown>)[key], value);
}

/** The Examples that a classification gives back as base64 for its only class. */
function echoedExamples(text: string): Record<string, (string | number)[]>[] {
  const { results } = JSON.parse(text) as { results: [[label: string, score: number]][] };
  return results.map(([[label]]) => {
    const { features } = fromBinary(ExampleSchema, Buffer.from(label, "base64url"));
    return Object.fromEntries(Object.entries(features!.feature).map(([name, feature]) => [name, valuesOf(feature)]));
  });
}

function valuesOf({ kind }: Feature): (string | number)[] {
  switch (kind.case) {
    case "bytesList":
      return ["b", ...kind.value.value.map((bytes) => Buffer.from(bytes).toString())];
    case "floatList":
      return ["f", ...kind.value.value.map((value) => (Number.isFinite(value) ? value : String(value)))];
    case "int64List":
      return ["i", ...kind.value.value.map(Number)];
    case undefined:
      return [];
  }
}
