import type { Json, JsonObject } from "./json.ts";
import { ref } from "./json.ts";

const TEXT = { type: "string" } as const;
/** Versions are numbers, but for those above 2^53, which are texts. */
const VERSION = { type: ["integer", "string"] } as const;
const STATES = ["START", "LOADING", "AVAILABLE", "UNLOADING", "END"] as const;
const FEATURE: readonly JsonObject[] = [{ type: "number" }, { type: "boolean" }, ref("schemas", "Text")];

/** Numbers as image rules write them. */
const NUMBERS = "^[-+0-9.eE ]+(?:,[-+0-9.eE ]+){0,3}$";

/** Schemas that are the same whatever is served. */
export const SCHEMAS: JsonObject = {
  Error: object({ error: { type: "string", description: "what is wrong, and the way out where there is one" } }),
  Base64: {
    ...object({
      b64: {
        type: "string",
        contentEncoding: "base64",
        pattern: "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$",
      },
    }),
    description: "bytes that need not be text",
    additionalProperties: false,
  },
  Text: { description: "a text, or any bytes in base64", anyOf: [TEXT, ref("schemas", "Base64")] },
  Image: {
    description: "the file of a picture in base64, or a data URL of it",
    anyOf: [{ type: "string" }, ref("schemas", "Base64")],
  },
  Features: {
    description: "an example: a value or a flat list of one type for each feature",
    type: "object",
    additionalProperties: { anyOf: [...FEATURE, ...FEATURE.map((items) => ({ type: "array", items }))] },
  },
  Classes: object({
    results: {
      description: "for each example a list of classes: of each a label and its score",
      type: "array",
      items: { type: "array", items: { type: "array", items: { type: ["string", "number"] }, minItems: 2, maxItems: 2 } },
    },
  }),
  Values: object({ results: { description: "a value for each example", type: "array", items: { type: "number" } } }),
  ModelStatus: object({
    model_version_status: {
      type: "array",
      items: object({
        version: TEXT,
        state: { type: "string", enum: STATES },
        status: object({ error_code: TEXT, error_message: TEXT }),
      }),
    },
  }),
  ModelMetadata: object({
    model_spec: object({ name: TEXT, signature_name: TEXT, version: TEXT }),
    metadata: object({ signature_def: object({ signature_def: { type: "object", additionalProperties: { type: "object" } } }) }),
  }),
  ModelDetail: {
    ...object({
      model_name: TEXT,
      model_base_path: { type: "string", description: "its last name alone" },
      model_version_list: { type: "array", items: VERSION },
      model_signature: { type: "object" },
      platform: TEXT,
      model_version_status: {
        type: "array",
        items: object({ version: VERSION, state: { type: "string", enum: STATES }, error_code: TEXT, error_message: TEXT }),
      },
      labels: { type: "object", additionalProperties: VERSION },
      signatures: { type: "object", additionalProperties: { type: "object" } },
    }),
  },
  StfsRequest: {
    type: "object",
    required: ["data"],
    properties: {
      model_name: { type: "string", default: "default" },
      model_version: {
        description: "a version's number or a label; the latest where there is none",
        type: ["integer", "string", "null"],
      },
      signature_name: TEXT,
      data: { description: "an object of inputs by name, or the value of the only input" },
      base64_decode: { description: "whether strings are base64 of what is meant", type: "boolean", default: false },
    },
  },
  StfsAnswer: { description: "the outputs by name", type: "object" },
  ModelConfig: {
    description: "a model of the config file, whose documentation has the other members",
    type: "object",
    properties: { name: TEXT, base_path: TEXT },
  },
  ModelConfigs: object({ models: { type: "array", items: ref("schemas", "ModelConfig") } }),
  ImageForm: {
    description:
      "Images for the only input that can take them, or the one that `input` names; a file in a field named as an input is for that " +
      "input, and another field named as one holds its value in JSON. The other fields say how images become pixels; the query may too.",
    type: "object",
    properties: {
      image: { type: "string", format: "binary" },
      images: { type: "array", items: { type: "string", format: "binary" } },
      signature_name: TEXT,
      ...imageRules(),
    },
  },
};

/** Responses that are the same whatever is served: of each error the status and when. */
export const RESPONSES: JsonObject = {
  BadRequest: error("the request is at fault"),
  Unauthenticated: error("nobody has said who asks, or not rightly"),
  Forbidden: error("who asks may not do this"),
  NotFound: error("no such model or version is served"),
  TooLarge: error("the body is larger than this server takes"),
  Overloaded: error("too many runs wait, or memory ran out"),
  Unavailable: error("a thread has just ended, or the server stops"),
  TimedOut: error("the time limit passed"),
  Error: error("any other error"),
  Classes: json("classes and scores", ref("schemas", "Classes")),
  Values: json("values", ref("schemas", "Values")),
  ModelStatus: json("the states of its versions", ref("schemas", "ModelStatus")),
  ModelMetadata: json("its signatures", ref("schemas", "ModelMetadata")),
};

/** How images become pixels: the parameters of a predict call, by name. */
export const IMAGE_PARAMETERS: JsonObject = Object.fromEntries(
  Object.entries(imageRules()).map(([name, schema]) => [name, { name, in: "query", schema }]),
);

/** How callers may say who they are, where the server asks. */
export const SECURITY_SCHEMES: JsonObject = {
  basic: { type: "http", scheme: "basic" },
  bearer: { type: "http", scheme: "bearer" },
};

/** Responses that every call may have. */
export function errors(authenticated: boolean, ...names: readonly (keyof typeof STATUS)[]): JsonObject {
  const all = [...names, ...(authenticated ? (["Unauthenticated", "Forbidden"] as const) : []), "Error" as const];
  return Object.fromEntries(all.map((name) => [STATUS[name], ref("responses", name)]));
}

const STATUS = {
  BadRequest: "400",
  Unauthenticated: "401",
  Forbidden: "403",
  NotFound: "404",
  TooLarge: "413",
  Overloaded: "429",
  Unavailable: "503",
  TimedOut: "504",
  Error: "default",
} as const;

/** A response with a JSON body. */
export function json(description: string, schema: JsonObject): JsonObject {
  return { description, content: { "application/json": { schema } } };
}

/** An object whose members are all there. */
function object(properties: { readonly [name: string]: Json }): JsonObject {
  return { type: "object", required: Object.keys(properties), properties };
}

function error(description: string): JsonObject {
  return json(description, ref("schemas", "Error"));
}

function imageRules(): JsonObject {
  const matching = (description: string, pattern: string) => ({ description, ...TEXT, pattern });
  return {
    input: { description: "the input that takes the images", ...TEXT, minLength: 1 },
    resize: matching(
      "how an image of another size is made to fit, or the size: 224x224",
      "^(?:stretch|cover|contain|none|[0-9]{1,5}x[0-9]{1,5})$",
    ),
    size: matching("width and height: 224x224", "^[0-9]{1,5}x[0-9]{1,5}$"),
    channels: { type: "string", enum: ["1", "3", "4", "L", "RGB", "RGBA", "BGR"] },
    layout: { type: "string", enum: ["NHWC", "NCHW"] },
    scale: matching("a factor: 1/255", "^[-+0-9.eE ]+(?:/[-+0-9.eE ]+)?$"),
    mean: matching("one number, or one for each channel: 0.485,0.456,0.406", NUMBERS),
    std: matching("as mean", NUMBERS),
    preset: { type: "string", enum: ["raw", "unit", "symmetric", "imagenet", "caffe"] },
    background: matching("black, white or #RRGGBB", "^(?:black|white|#?[0-9A-Fa-f]{6})$"),
  };
}
