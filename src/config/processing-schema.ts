import { z } from "zod";
import { type ConstantValue, ELEMENT_TYPES, type ElementType } from "../model/processing.ts";
import { mapping, record } from "./model-config-schema.ts";

/** Longest text, and most members of a list, that a file may give for one member. */
const MOST_MEMBERS = 100_000;
const REAL = ELEMENT_TYPES.filter((each) => each !== "string" && !each.startsWith("complex"));
const INTEGERS = REAL.filter((dtype) => /^u?int/.test(dtype));
const FLOATS = REAL.filter((dtype) => dtype.includes("float"));

const alias = z.string().min(1).max(1000);
const dtype = z.enum<readonly ElementType[]>(ELEMENT_TYPES);
const realType = z.enum<readonly ElementType[]>(REAL);
const floatType = z.enum<readonly ElementType[]>(FLOATS);
const indexType = z.enum<readonly ElementType[]>([...INTEGERS, ...FLOATS]);
const size = z.int().min(-1);
const number = z.number();
const numberOrList = z.union([number, z.array(number).min(1).max(MOST_MEMBERS)]);
const axis = z.int().describe("Axis, from 0; negative from the last, -1. Not the first: its entries are the rows").optional();

const constant: z.ZodType<ConstantValue> = z
  .lazy(() => z.union([z.number(), z.bigint(), z.boolean(), z.string(), z.array(constant).max(MOST_MEMBERS)]))
  .meta({ id: "constant" });

const entry = z.union([z.string(), z.int()]);
const vocabulary = z
  .union([z.string().min(1), z.array(entry).min(1).max(MOST_MEMBERS)])
  .describe("A file below the version's folder, one entry a line or a JSON list (.json), or the entries themselves");

const unary = {
  input: alias.optional().describe("Tensor to read. Default: the only one there is"),
  output: alias.optional().describe("Tensor to make. Default: the one that is read"),
};

/** The members of each step. What is written without members is the same as `{}`. */
const members = {
  rename: record("rename", { input: unary.input, output: alias }).describe("Gives a tensor another name"),
  cast: record("cast", {
    ...unary,
    to: realType,
    rounding: z.enum(["truncate", "nearest", "floor", "ceil"]).optional().describe("To whole numbers. Default: truncate"),
    overflow: z.enum(["refuse", "saturate"]).optional().describe("Of numbers out of range. Default: refuse"),
  }).describe("Another element type"),
  reshape: record("reshape", { ...unary, shape: z.array(size).min(1).max(32) }).describe(
    "Another shape of the same rows: the first size is that of the input, one more may be -1",
  ),
  transpose: record("transpose", { ...unary, axes: z.array(z.int().min(0)).min(1).max(32) }).describe("Axes in another order"),
  layout: record("layout", { ...unary, to: z.enum(["NHWC", "NCHW"]) }).describe("Images from the other layout to this one"),
  normalize: record("normalize", {
    ...unary,
    scale: z
      .union([number, z.string().regex(/^\d+(\.\d+)?\/\d+(\.\d+)?$/)])
      .optional()
      .describe('A number, or a fraction in quotes such as "1/255". Default: 1'),
    mean: numberOrList.optional(),
    std: numberOrList.optional(),
    axis,
    dtype: floatType.optional(),
  }).describe("(x * scale - mean) / std"),
  min_max: record("min_max", {
    ...unary,
    min: numberOrList,
    max: numberOrList,
    to: z.tuple([number, number]).optional(),
    axis,
    dtype: floatType.optional(),
  }).describe("From [min, max] to [0, 1], or to another range"),
  clip: record("clip", { ...unary, min: number.optional(), max: number.optional() }).describe("No number below min or above max"),
  round: record("round", { ...unary, digits: z.int().min(0).max(15).optional() }).describe("To so many decimals, ties to even"),
  sigmoid: record("sigmoid", unary).describe("1 / (1 + e^-x)"),
  softmax: record("softmax", { ...unary, axis }).describe("Scores to probabilities"),
  log_softmax: record("log_softmax", { ...unary, axis }).describe("Scores to logarithms of probabilities"),
  threshold: record("threshold", { ...unary, at: number.optional(), dtype: realType.optional() }).describe(
    "True from this number on (default 0.5)",
  ),
  argmax: record("argmax", { ...unary, axis }).describe("The position of the largest number"),
  top_k: record("top_k", {
    input: unary.input,
    k: z.int().min(1),
    values: alias.optional(),
    indices: alias.optional(),
    labels: alias.optional(),
    vocabulary: vocabulary.optional(),
  }).describe("The k largest numbers of the last axis, their positions, and their labels where there is a vocabulary"),
  one_hot: record("one_hot", {
    ...unary,
    depth: z.int().min(1).optional(),
    vocabulary: vocabulary.optional(),
    unknown: z.literal("zeros").optional(),
    dtype: realType.optional(),
  }).describe("Indices, or strings of a vocabulary, as rows of 0 with a 1"),
  lookup: record("lookup", { ...unary, vocabulary, unknown: z.int().optional(), dtype: indexType.optional() }).describe(
    "Strings to their positions in a vocabulary",
  ),
  labels: record("labels", { ...unary, vocabulary, unknown: z.string().optional() }).describe(
    "Positions to the strings of a vocabulary",
  ),
  tokenize: record("tokenize", {
    ...unary,
    vocabulary,
    unknown: z.int(),
    length: z.int().min(1),
    pad: z.int().optional(),
    lower: z.boolean().optional(),
    dtype: indexType.optional(),
  }).describe("Texts, split at blanks, to rows of positions in a vocabulary"),
  pad: record("pad", {
    ...unary,
    length: z.int().min(0),
    value: z.union([number, z.string()]).optional(),
    side: z.enum(["right", "left"]).optional(),
    axis,
  }).describe("One axis made so long: filled up, or cut"),
  constant: record("constant", {
    output: alias,
    value: constant,
    dtype: dtype.optional(),
    shape: z.array(size).max(32).optional(),
  }).describe("A tensor that callers do not give"),
  concat: record("concat", {
    inputs: z.array(alias).min(1).max(MOST_MEMBERS),
    output: alias,
    dtype: realType.optional(),
  }).describe("Columns side by side, as one matrix"),
  split: record("split", {
    input: unary.input,
    outputs: z.array(alias).min(1).max(MOST_MEMBERS),
    sizes: z.array(z.int().min(1)).optional(),
  }).describe("A matrix taken apart into columns"),
  image: record("image", {
    ...unary,
    height: z.int().min(1).max(16_384),
    width: z.int().min(1).max(16_384),
    channels: z.enum(["L", "RGB", "RGBA", "BGR"]).optional(),
    layout: z.enum(["NHWC", "NCHW"]).optional(),
    resize: z.enum(["stretch", "cover", "contain", "none"]).optional(),
  }).describe("Encoded images (JPEG, PNG, ...) to uint8 pixels"),
};

const bare = z.null().describe("No members");
const step = record("a step", {
  rename: members.rename.optional(),
  cast: members.cast.optional(),
  reshape: members.reshape.optional(),
  transpose: members.transpose.optional(),
  layout: members.layout.optional(),
  normalize: members.normalize.optional(),
  min_max: members.min_max.optional(),
  clip: members.clip.optional(),
  round: z.union([members.round, bare]).optional(),
  sigmoid: z.union([members.sigmoid, bare]).optional(),
  softmax: z.union([members.softmax, bare]).optional(),
  log_softmax: z.union([members.log_softmax, bare]).optional(),
  threshold: z.union([members.threshold, bare]).optional(),
  argmax: z.union([members.argmax, bare]).optional(),
  top_k: members.top_k.optional(),
  one_hot: members.one_hot.optional(),
  lookup: members.lookup.optional(),
  labels: members.labels.optional(),
  tokenize: members.tokenize.optional(),
  pad: members.pad.optional(),
  constant: members.constant.optional(),
  concat: members.concat.optional(),
  split: members.split.optional(),
  image: members.image.optional(),
})
  .refine((each) => Object.keys(each).length === 1, { error: "expected one step, such as softmax: {}" })
  .meta({ id: "step", minProperties: 1, maxProperties: 1 });

const input = record("an input", {
  dtype: dtype.optional().describe("Element type that callers give. Default: that of the model's input of this name"),
  shape: z.array(size).max(32).optional().describe("Shape that callers give; -1 for a free size. Default: as above"),
  default: constant.optional().describe("What is taken when a caller leaves it out: one value, or those of a row"),
});

const steps = z.array(step).max(1000);

const signature = {
  inputs: mapping(input).optional().describe("What callers give, where it is not what the model takes"),
  preprocess: steps.optional().describe("Steps from what callers give to what the model takes"),
  postprocess: steps.optional().describe("Steps from what the model gives to what is answered"),
  outputs: z.array(alias).min(1).max(1000).optional().describe("What is answered, in this order. Default: everything there is"),
};

const namedSignature = record("a signature", {
  from: alias.optional().describe("The model's signature that is run. Default: the one of the same name"),
  ...signature,
});

/** A processing file. */
export const processingSchema = record("the file", {
  $schema: z.string().optional().describe("Where editors find this schema"),
  ...signature,
  signatures: mapping(namedSignature)
    .optional()
    .describe("By the name that callers use; what stands outside is of serving_default"),
}).describe("What is done to a model's requests and answers");

/** One step as {@link processingSchema} leaves it: a mapping with one key. */
export type StepShape = z.output<typeof step>;

/** A signature as {@link processingSchema} leaves it. */
export type SignatureShape = z.output<typeof namedSignature>;

/** The form of a processing file as JSON Schema, draft 2020-12. */
export function processingJsonSchema(): object {
  const definitions = {};
  const schema = jsonSchema(processingSchema, definitions);
  return { ...schema, title: "modelport processing", $defs: definitions };
}

/** A schema without its definitions, which are added to others: references are from the root. */
function jsonSchema(schema: z.ZodType, definitions: object): object {
  const { $defs, ...made } = z.toJSONSchema(schema, {
    target: "draft-2020-12",
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema: json }) => {
      const { def } = zodSchema._zod;
      if (def.type !== "pipe" || def.out._zod.def.type !== "map") return;
      const { valueType } = def.out._zod.def as z.core.$ZodMapDef;
      const value = jsonSchema(valueType as z.ZodType, definitions) as { $schema?: unknown };
      delete value.$schema;
      Object.assign(json, { type: "object", additionalProperties: value });
    },
  });
  Object.assign(definitions, $defs);
  return made;
}
