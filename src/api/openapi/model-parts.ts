import { exampleRequest } from "../../clients/example-request.ts";
import { takesEncodedImages } from "../../codec/image/image-input.ts";
import { isPixelInput } from "../../codec/image/pixel-input.ts";
import { type CallKind, checkMethodName } from "../../serving/check-signature.ts";
import { classifyOutputs } from "../../serving/classify.ts";
import { exampleSignature } from "../../serving/example-signature.ts";
import { regressOutputs } from "../../serving/regress.ts";
import { neededInputs } from "../../tensor/own-inputs.ts";
import {
  CLASSIFY_METHOD,
  DEFAULT_SIGNATURE,
  REGRESS_METHOD,
  type Signature,
  type Signatures,
  type TensorInfo,
} from "../../tensor/signature.ts";
import { componentName } from "./component-name.ts";
import { type Entries, type Json, type JsonObject, ref } from "./json.ts";
import { predictSchemas } from "./predict-schemas.ts";
import { errors, IMAGE_PARAMETERS, json } from "./shared-components.ts";

/** A model as it is served: the version that answers when none is asked for. */
export interface ServedModel {
  readonly name: string;
  readonly version: bigint;
  readonly signatures: Signatures;
  /** The platform's name; "" where nobody has said. */
  readonly platform: string;
  /** A request that it is known to answer. */
  readonly example: string | undefined;
  /** Labels and the versions they stand for: `stable (7)`. */
  readonly labels: readonly string[];
}

/** What of the server's options changes what can be asked of a model. */
export interface ModelRules {
  readonly authenticated: boolean;
  /** Whether calls are refused to signatures whose method name does not fit them. */
  readonly checksMethodNames: boolean;
}

/** What a model adds to the document. */
export interface ModelParts {
  readonly paths: Entries;
  readonly schemas: Entries;
  readonly responses: Entries;
  readonly requestBodies: Entries;
}

/** Made-up examples have no more values than anybody reads. */
const MOST_EXAMPLE_VALUES = 200;
/** What example-request makes of a free side of a picture, the largest that it makes of one. */
const FREE_SIZE = 32;
/** Integers from here on may not be those that were meant once JavaScript has read them. */
const LONG_INTEGER = /\d{16}/;

const PREDICT_ERRORS = ["BadRequest", "NotFound", "TooLarge", "Overloaded", "Unavailable", "TimedOut"] as const;
const VERBS = ["predict", "classify", "regress"] as const;

/** Paths and components of a model. Calls that none of its signatures can answer are left out. */
export function modelParts(model: ServedModel, rules: ModelRules): ModelParts {
  const key = componentName(model.name);
  const calls = new Map<CallKind, JsonObject>();
  const schemas: [string, JsonObject][] = [];
  const requestBodies: [string, JsonObject][] = [];
  const responses: [string, JsonObject][] = [];

  const predictable = new Map<string, Signature>();
  for (const [name, signature] of model.signatures) {
    const both = fits(rules, "predict", signature) ? predictSchemas(name, signature) : undefined;
    if (both === undefined) continue;
    predictable.set(name, signature);
    const base = componentName(model.name, name);
    schemas.push([`${base}.Request`, both.request], [`${base}.Answer`, both.answer]);
  }
  if (predictable.size > 0) {
    const all = (suffix: string, word: "oneOf" | "anyOf") =>
      oneOrMany(
        [...predictable.keys()].map((name) => ref("schemas", `${componentName(model.name, name)}.${suffix}`)),
        word,
      );
    requestBodies.push([`${key}.predict`, predictBody(all("Request", "oneOf"), predictable, model.example)]);
    responses.push([`${key}.predict`, json("what the model says", all("Answer", "anyOf"))]);
    calls.set("predict", ref("responses", `${key}.predict`));
  }
  for (const kind of ["classify", "regress"] as const) {
    const names = [...model.signatures].filter(([, signature]) => fits(rules, kind, signature)).map(([name]) => name);
    if (names.length === 0) continue;
    requestBodies.push([`${key}.${kind}`, examplesBody(names, exampleSignature(kind, model.signatures))]);
    calls.set(kind, ref("responses", kind === "classify" ? "Classes" : "Values"));
  }
  const takesPixels = [...predictable.values()].some(({ inputs }) => inputs.some((input) => isPixelInput(input, {})));
  const imageRules = takesPixels ? Object.keys(IMAGE_PARAMETERS).map((name) => ref("parameters", name)) : [];
  return { paths: paths(model, key, calls, imageRules, rules), schemas, responses, requestBodies };
}

function paths(
  model: ServedModel,
  key: string,
  calls: ReadonlyMap<CallKind, JsonObject>,
  imageRules: readonly JsonObject[],
  rules: ModelRules,
): Entries {
  const { name, version, platform, labels } = model;
  const base = `/v1/models/${encodeURIComponent(name)}`;
  const latest = `Version ${version} answers, the latest${platform && `; platform ${platform}`}.`;
  const other = `Takes what version ${version} takes, the latest; another version may take something else.`;
  const forms = [
    { suffix: "", path: base, parameters: [], description: latest },
    { suffix: "Version", path: `${base}/versions/{version}`, parameters: [versionParameter(version)], description: other },
    ...(labels.length === 0
      ? []
      : [
          {
            suffix: "Label",
            path: `${base}/labels/{label}`,
            parameters: [ref("parameters", "label")],
            description: `Labels: ${labels.join(", ")}. ${other}`,
          },
        ]),
  ];
  const operation = (id: string, form: (typeof forms)[number], rest: JsonObject): JsonObject => {
    const parameters = [...form.parameters, ...(id === "predict" ? imageRules : [])];
    return { operationId: `${id}${form.suffix}_${key}`, ...(parameters.length > 0 && { parameters }), ...rest };
  };
  const reading = (response: string) => ({
    "200": ref("responses", response),
    ...errors(rules.authenticated, "BadRequest", "NotFound"),
  });
  const entries: [string, JsonObject][] = [];
  for (const form of forms) {
    for (const verb of VERBS) {
      const response = calls.get(verb);
      if (response === undefined) continue;
      const post = operation(verb, form, {
        tags: [verb === "predict" ? "Predict" : "Classify and regress"],
        summary: `${verb}: ${name}`,
        description: form.description,
        requestBody: ref("requestBodies", `${key}.${verb}`),
        responses: { "200": response, ...errors(rules.authenticated, ...PREDICT_ERRORS) },
      });
      entries.push([`${form.path}:${verb}`, { post }]);
    }
    const about = (id: string, summary: string, response: string) => ({
      get: operation(id, form, { tags: ["Models"], summary: `${summary}: ${name}`, responses: reading(response) }),
    });
    // A label is not looked at in a status.
    if (form.suffix !== "Label") entries.push([form.path, about("status", "states", "ModelStatus")]);
    entries.push([`${form.path}/metadata`, about("metadata", "signatures", "ModelMetadata")]);
  }
  return entries;
}

function versionParameter(version: bigint): JsonObject {
  return {
    name: "version",
    in: "path",
    required: true,
    schema: { type: "string", pattern: "^[0-9]{1,18}$" },
    example: String(version),
  };
}

function predictBody(schema: JsonObject, signatures: ReadonlyMap<string, Signature>, known: string | undefined): JsonObject {
  const examples = examplesOf(signatures, known);
  const content = { schema, ...(examples.length > 0 && { examples: Object.fromEntries(examples) }) };
  const takesImages = [...signatures.values()].some(({ inputs }) => inputs.some(isImageInput));
  return {
    required: true,
    content: {
      "application/json": content,
      ...(takesImages && { "multipart/form-data": { schema: ref("schemas", "ImageForm") } }),
    },
  };
}

function isImageInput(input: TensorInfo): boolean {
  return takesEncodedImages(input) || isPixelInput(input, {});
}

/** The request that the model is known to answer, and small ones that are made up; not of serialized examples, which are no text. */
function examplesOf(signatures: ReadonlyMap<string, Signature>, known: string | undefined): [string, JsonObject][] {
  const recorded = known === undefined ? undefined : readExample(known);
  const made = [...signatures].flatMap(([name, signature]) => {
    const takesExamples = signature.methodName === CLASSIFY_METHOD || signature.methodName === REGRESS_METHOD;
    if (takesExamples || sizeOf(signature) > MOST_EXAMPLE_VALUES || (recorded !== undefined && name === DEFAULT_SIGNATURE))
      return [];
    const value = readExample(exampleRequest(name, signature));
    return value === undefined ? [] : [[name, { summary: "made up", value }] satisfies [string, JsonObject]];
  });
  return recorded === undefined
    ? made
    : [["recorded", { summary: "one that the model is known to answer", value: recorded }], ...made];
}

/** A request in strict JSON; undefined where it is not, or has a key that readers of documents take for a reference. */
function readExample(text: string): Json | undefined {
  if (LONG_INTEGER.test(text) || text.includes("$ref")) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** At least as many values as a made-up request has. */
function sizeOf({ inputs }: Signature): number {
  const values = ({ shape = [] }: TensorInfo) =>
    shape.slice(1).reduce((product, size) => product * (size < 0 ? FREE_SIZE : size), 1);
  return neededInputs(inputs).reduce((sum, input) => sum + values(input) * Math.max(1, input.shape?.[0] ?? 1), 0);
}

function examplesBody(names: readonly string[], unnamed: string): JsonObject {
  const byDefault = names.includes(unnamed);
  const schema = {
    type: "object",
    required: [...(byDefault ? [] : ["signature_name"]), "examples"],
    properties: {
      signature_name: { type: "string", enum: names },
      examples: { type: "array", items: ref("schemas", "Features"), minItems: 1 },
      context: ref("schemas", "Features"),
    },
  };
  return { required: true, content: { "application/json": { schema } } };
}

function oneOrMany(schemas: readonly JsonObject[], word: "oneOf" | "anyOf"): JsonObject {
  return schemas.length === 1 ? schemas[0]! : { [word]: schemas };
}

function fits({ checksMethodNames }: ModelRules, kind: CallKind, signature: Signature): boolean {
  try {
    if (checksMethodNames) checkMethodName(kind, signature);
    if (kind === "predict") return true;
    if (signature.uncallable !== undefined || signature.inputs[0]?.dtype !== "string") return false;
    return (kind === "classify" ? classifyOutputs(signature) : regressOutputs(signature)).length > 0;
  } catch {
    return false;
  }
}
