import { type Entries, type Json, type JsonObject, ref } from "./json.ts";
import { errors, json } from "./shared-components.ts";

/** What of the server's options changes which paths there are beside those of models. */
export interface FixedRules {
  readonly authenticated: boolean;
  readonly adminApi: boolean;
  /** Where the metrics are as TensorFlow Serving has them; undefined when both pages of them are off. */
  readonly metricsPath: string | undefined;
}

const NAME: JsonObject = { name: "name", in: "path", required: true, schema: { type: "string", minLength: 1 } };
const TEXT: JsonObject = { type: "string" };
const PREFIX = "/v1/models/{name}";

/** The paths that are there whatever is served. */
export function fixedPaths(rules: FixedRules): Entries {
  const { authenticated, adminApi, metricsPath } = rules;
  const paths = new Map<string, Json>([...stfsPaths(authenticated), ...(adminApi ? adminPaths(authenticated) : [])]);
  for (const [path, description] of PROBES) paths.set(path, probe(path, description));
  paths.set("/openapi.json", {
    get: {
      tags: ["Operation"],
      operationId: "openapi",
      summary: "this document",
      responses: { "200": json("this document", { type: "object" }), ...errors(authenticated) },
    },
  });
  if (metricsPath !== undefined) {
    paths.set("/metrics", metrics("metrics", "metrics under Prometheus' names", authenticated));
    // A path that a template or a model could be taken for is better left out.
    if (/^\/(?!v1\/)[\w./~-]*$/i.test(metricsPath)) {
      paths.set(metricsPath, metrics("tensorflowServingMetrics", "metrics as TensorFlow Serving has them", authenticated));
    }
  }
  return [...paths];
}

function stfsPaths(authenticated: boolean): Entries {
  const get = (operationId: string, summary: string, parameters: readonly Json[], ok: JsonObject): JsonObject => ({
    get: {
      tags: ["Simple TensorFlow Serving"],
      operationId,
      summary,
      ...(parameters.length > 0 && { parameters }),
      responses: {
        "200": ok,
        ...(parameters.length === 0 ? errors(authenticated) : errors(authenticated, "BadRequest", "NotFound")),
      },
    },
  });
  const detail = ref("schemas", "ModelDetail");
  const example = [NAME, query("signature_name", TEXT), query("version", { type: "string", pattern: "^[0-9]{1,18}$" })];
  const choices = [
    ...example,
    query("language", { type: "string", default: "bash" }),
    query("protocol", { type: "string", enum: ["rest", "grpc"], default: "rest" }),
  ];
  const program = {
    description: "a program in one file",
    content: { "text/*": { schema: TEXT }, "application/*": { schema: TEXT } },
  };
  return [
    ["/", { post: stfsPredict(authenticated) }],
    ["/v1/models", get("listModels", "all models", [], json("all models", { type: "array", items: detail }))],
    [`${PREFIX}/detail`, get("modelDetail", "what is known of a model", [NAME], json("the model", detail))],
    [`${PREFIX}/gen_json`, get("exampleRequest", "a body for POST /", example, json("a request", ref("schemas", "StfsRequest")))],
    [
      `${PREFIX}/gen_client`,
      {
        ...get("generateClient", "a program that asks the model", choices, program),
        post: {
          tags: ["Simple TensorFlow Serving"],
          operationId: "generateClientOf",
          summary: "a program that asks the model what is posted, the body of a predict call",
          parameters: choices,
          requestBody: {
            required: true,
            content: { "application/json": { schema: { anyOf: ["inputs", "instances"].map(requires) } } },
          },
          responses: { "200": program, ...errors(authenticated, "BadRequest", "NotFound") },
        },
      },
    ],
  ];
}

function requires(member: string): JsonObject {
  return { type: "object", properties: { signature_name: TEXT }, required: [member] };
}

function stfsPredict(authenticated: boolean): JsonObject {
  const properties = { model_name: TEXT, model_version: TEXT, encoding: { type: "string", enum: ["raw", "base64"] } };
  const form: JsonObject = { allOf: [ref("schemas", "ImageForm"), { type: "object", properties }] };
  return {
    tags: ["Simple TensorFlow Serving"],
    operationId: "stfsPredict",
    summary: "runs a model",
    requestBody: {
      required: true,
      content: { "application/json": { schema: ref("schemas", "StfsRequest") }, "multipart/form-data": { schema: form } },
    },
    responses: {
      "200": json("the outputs by name", ref("schemas", "StfsAnswer")),
      ...errors(authenticated, "BadRequest", "TooLarge", "Overloaded", "Unavailable", "TimedOut"),
    },
  };
}

function adminPaths(authenticated: boolean): Entries {
  const config = ref("schemas", "ModelConfig");
  const wait = query("wait", { type: "boolean" });
  const write = query("write", { type: "boolean" });
  const ifMatch = header("If-Match", "the ETag of the config that is to be changed");
  const ifNew = header("If-None-Match", "*: only where there is no such model yet");
  const found = withTag(json("the config", config));
  const of = (operationId: string, summary: string, rest: JsonObject): JsonObject => ({
    tags: ["Config"],
    operationId,
    summary,
    ...rest,
  });
  const responses = (ok: JsonObject) => ({ ...ok, ...errors(authenticated, "BadRequest", "NotFound") });
  return [
    [
      "/v1/config",
      {
        get: of("listConfigs", "the configs of all models", {
          responses: { "200": json("all configs", ref("schemas", "ModelConfigs")), ...errors(authenticated) },
        }),
      },
    ],
    [
      "/v1/config/models/{name}",
      {
        parameters: [NAME],
        get: of("getConfig", "the config of a model", { responses: responses({ "200": found }) }),
        put: of("putConfig", "adds a model, or replaces its config", {
          parameters: [wait, write, ifMatch, ifNew],
          requestBody: { required: true, content: { "application/json": { schema: config } } },
          responses: responses({ "200": found, "201": found }),
        }),
        delete: of("deleteConfig", "takes a model away", {
          parameters: [write, ifMatch],
          responses: responses({ "200": json("the config that was", { type: "object" }) }),
        }),
      },
    ],
  ];
}

const PROBES = [
  ["/livez", "whether the process answers"],
  ["/readyz", "whether every configured model has an available version"],
  ["/health", "whether the process answers, as Simple TensorFlow Serving says it"],
] as const;

function probe(path: string, summary: string): JsonObject {
  const not = path === "/readyz" && { "503": text("not ready") };
  return {
    get: { tags: ["Operation"], operationId: path.slice(1), summary, security: [], responses: { "200": text("it is"), ...not } },
  };
}

function metrics(operationId: string, summary: string, authenticated: boolean): JsonObject {
  const responses = { "200": text("the metrics"), "503": text("the server stops"), ...errors(authenticated) };
  return { get: { tags: ["Operation"], operationId, summary, responses } };
}

function text(description: string): JsonObject {
  return { description, content: { "text/plain": { schema: TEXT } } };
}

function query(name: string, schema: JsonObject): JsonObject {
  return { name, in: "query", schema };
}

function header(name: string, description: string): JsonObject {
  return { name, in: "header", description, schema: TEXT };
}

function withTag(response: JsonObject): JsonObject {
  return { ...response, headers: { ETag: { schema: TEXT } } };
}
