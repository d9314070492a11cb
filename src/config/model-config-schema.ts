import { z } from "zod";
import { PYTHON_DEVICE } from "../model/python-options.ts";
import { describeValue } from "./config-value.ts";
import { nearestName } from "./nearest-name.ts";
import { SESSION_TARGET } from "./tensorflow-keys.ts";

// Nothing may generate code at run time; zod would, for speed.
z.config({ jitless: true });

/** A mapping whose keys are the user's: a Map, since zod's record passes over a key that means something to JavaScript. */
export function mapping<Value extends z.ZodType>(value: Value) {
  return z.preprocess((input) => (isMapping(input) ? new Map(Object.entries(input)) : input), z.map(z.string(), value));
}

const NO_HINTS: ReadonlyMap<string, string> = new Map();

function isMapping(input: unknown): input is object {
  return typeof input === "object" && input !== null && !Array.isArray(input);
}

/** A mapping with these keys and no others; an unknown one is answered with its hint, or else the nearest of them. */
export function record<Shape extends z.core.$ZodShape>(
  what: string,
  shape: Shape,
  hints: ReadonlyMap<string, string> = NO_HINTS,
) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== "unrecognized_keys") return undefined;
      const key = (issue as unknown as { readonly keys: readonly string[] }).keys[0]!;
      const nearest = nearestName(key, known);
      const hint = hints.get(key) ?? (nearest === undefined ? `known: ${known.join(", ")}` : `did you mean ${nearest}?`);
      return `${what} has no key "${key.slice(0, 100)}" (${hint})`;
    },
  });
}

/** A number above 0, which may be written as an integer of any size. */
const weight = z.preprocess((input) => (typeof input === "bigint" ? Number(input) : input), z.number().gt(0));

const version = z.union([z.int(), z.int64()]).describe("Version number of a model: the name of its folder, a 64-bit integer");

const versionPolicy = z
  .union([
    z.enum(["latest", "all"]),
    record("version_policy", {
      latest: z
        .int()
        .min(1)
        .max(2 ** 32 - 1)
        .optional()
        .describe("How many of the highest versions to serve"),
      all: z
        .union([z.null(), z.literal(true), record("all", {})])
        .optional()
        .describe("Every version there is"),
      specific: z.array(version).optional().describe("These versions, as far as they are there"),
    })
      .refine((policy) => Object.keys(policy).length === 1, { error: "expected one of latest, all and specific" })
      .meta({ minProperties: 1, maxProperties: 1 }),
  ])
  .describe("Which versions are served: latest, all, or a mapping with one key. Default: latest, the highest one");

const logging = record("logging", {
  sampling_rate: z.number().min(0).max(1).describe("Share of requests that are logged, 0 to 1"),
  prefix: z
    .string()
    .min(1)
    .describe("Folder and first part of the names of the log files, absolute or below the config file's folder"),
  format: z.enum(["tfrecord", "json"]).optional().describe("TFRecord of PredictionLog (the default), or JSON lines"),
}).describe("Which requests are logged, and where to. Default: none");

const count = (least: number) => z.int().min(least).optional();

const batching = record(
  "batching",
  {
    max_batch_size: count(1).describe("Most rows of one request, and of one run. Default: 1000"),
    batch_timeout_micros: count(0).describe("Longest a batch that is not full waits for more, in microseconds. Default: 0"),
    max_enqueued_batches: count(0).describe("Batches that may wait. Default: 10"),
    allowed_batch_sizes: z
      .array(z.int().min(1))
      .optional()
      .describe("Batches are filled up to the next of these. Default: any size"),
    pad_variable_length_inputs: z.boolean().optional().describe("Rows of different lengths run together. Default: false"),
    enable_large_batch_splitting: z.boolean().optional().describe("A request may take several runs. Default: false"),
    max_execution_batch_size: count(1).describe("With splitting, most rows of one run. Default: max_batch_size"),
  },
  new Map([["num_batch_threads", "the threads are the server's: set it in --batching_parameters_file"]]),
).describe("How requests are run together, in place of what the server and the version's folder say. Needs --enable_batching");

/** What is in it is looked at when there is one: what describes its messages takes long to load. */
const sessionConfig = z
  .unknown()
  .refine(isMapping, { error: (issue) => `expected a mapping, got ${describeValue(issue.input)}` })
  .describe(
    "How TensorFlow runs it: allow_growth, per_process_gpu_memory_fraction, and the fields of tensorflow.ConfigProto, " +
      "such as log_device_placement and allow_soft_placement. Goes before what the server's flags say",
  );

/** What TensorFlow alone makes something of. */
const tensorflow = {
  session_config: sessionConfig.optional(),
  session_target: z
    .string()
    .regex(SESSION_TARGET, { error: "expected grpc://HOST:PORT" })
    .optional()
    .describe("TensorFlow server that loads and runs it in place of this one: grpc://HOST:PORT. Default: --session_target"),
  custom_op_paths: z
    .union([z.string(), z.array(z.string().min(1))])
    .optional()
    .describe(
      "Libraries of TensorFlow's custom ops, or folders of them, whose code is run: a list, or one text with commas between; " +
        "absolute or below the config file's folder. Added to those of --custom_op_paths",
    ),
  saved_model_tags: z
    .array(z.string().min(1))
    .optional()
    .describe("Tags of the graph to load from a SavedModel. Default: --saved_model_tags"),
};

/** What Python workers alone make something of. */
const python = {
  python: z
    .string()
    .min(1)
    .optional()
    .describe("Python interpreter: a name, or a path, absolute or below the config file's folder. Default: --python"),
  allow_code: z
    .boolean()
    .optional()
    .describe(
      "Whether it may run Python code of its own, with all that the server's user may do. Default: what --allow_code says",
    ),
  workers: z.int().min(1).max(256).optional().describe("Python processes that run it side by side. Default: --python_workers"),
  device: z
    .string()
    .regex(PYTHON_DEVICE, { error: "expected cpu, cuda, cuda:N or auto" })
    .optional()
    .describe("Where Python runs it: cpu, cuda, cuda:1 and so on, or auto. Default: --python_device"),
  python_timeout_seconds: z
    .number()
    .min(0.01)
    .max(86_400)
    .optional()
    .describe("Longest run of a request in Python. Default: --python_timeout_seconds"),
  python_memory_limit_bytes: z
    .int()
    .min(1)
    .optional()
    .describe("Most address space of each of its Python processes. Default: --python_memory_limit_bytes"),
  python_spare: z
    .boolean()
    .optional()
    .describe("Whether one more process is kept loaded, to take the place of one that ends. Default: --python_spare"),
};

/** What every form of a model has besides its name and where it is. */
const choices = {
  version_policy: versionPolicy.optional(),
  labels: mapping(version).optional().describe("Versions by label: clients may ask for the label in place of the number"),
  traffic_split: mapping(weight)
    .optional()
    .describe("Weights by label: a request that names neither version nor label is answered by one of them, drawn by weight"),
  logging: logging.optional(),
  batching: batching.optional(),
  ...tensorflow,
  ...python,
};

const unnamed = {
  base_path: z
    .string()
    .min(1)
    .describe(
      "Folder of the model's numbered versions, or a bare model file; absolute, a file: URL, or below the config file's folder",
    ),
  platform: z.string().min(1).optional().describe("Kind of model, such as onnx. Default: the model's files tell"),
  ...choices,
};

const named = record("a model", { name: z.string().min(1).describe("Unique name that requests ask for"), ...unnamed });

/** One model of our own form, whose name is said elsewhere. */
export const unnamedModelSchema = record("a model", { name: named.shape.name.optional(), ...unnamed });

/** Our own form of a config file. */
export const documentSchema = record("the config", {
  $schema: z.string().optional().describe("Where editors find this schema"),
  models: z
    .union([z.array(named).describe("A list of models"), mapping(record("a model", unnamed)).describe("Models by name")])
    .describe("Every model to serve"),
}).describe("Models that modelport serves");

/** Simple TensorFlow Serving's form, which may have our own choices besides. */
export const stfsSchema = record("the config", {
  model_config_list: z.array(
    record("a model", {
      name: z.string().min(1),
      base_path: z.string().min(1),
      platform: z.string().min(1).optional(),
      ...choices,
    }),
  ),
});

/** A model as {@link documentSchema} or {@link stfsSchema} leaves it. */
export type ModelShape = z.output<typeof unnamedModelSchema>;

/** The version policy of a {@link ModelShape}. */
export type VersionPolicyShape = NonNullable<ModelShape["version_policy"]>;

/** Our own form as JSON Schema, draft 2020-12. */
export function modelConfigJsonSchema(): object {
  return { ...jsonSchema(documentSchema), title: "modelport model config" };
}

function jsonSchema(schema: z.ZodType): object {
  return z.toJSONSchema(schema, {
    target: "draft-2020-12",
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema: json }) => {
      const { def } = zodSchema._zod;
      if (zodSchema === (version as z.core.$ZodType)) {
        delete json.anyOf;
        Object.assign(json, { type: "integer", format: "int64" });
      }
      // What is converted before it is checked may be left out as far as zod can tell.
      if (zodSchema === (documentSchema as z.core.$ZodType)) json.required = ["models"];
      if (zodSchema === (sessionConfig as z.core.$ZodType)) json.type = "object";
      if (zodSchema === (weight as z.core.$ZodType)) Object.assign(json, { type: "number", exclusiveMinimum: 0 });
      if (def.type === "pipe" && def.out._zod.def.type === "map") {
        const { $schema: _, ...value } = jsonSchema((def.out._zod.def as z.core.$ZodMapDef).valueType as z.ZodType) as {
          $schema?: unknown;
        };
        Object.assign(json, { type: "object", additionalProperties: value });
      }
    },
  });
}
