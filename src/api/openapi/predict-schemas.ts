import { pixelAxes } from "../../codec/image/pixel-input.ts";
import { plainInput } from "../../codec/json/plain-input.ts";
import { DEFAULT_SIGNATURE, type Signature, type TensorInfo } from "../../tensor/signature.ts";
import { type JsonObject, ref } from "./json.ts";
import { count, hasJsonForm, tensorSchema } from "./tensor-schema.ts";

/** JSON Schemas of a predict call to one signature. */
export interface PredictSchemas {
  readonly request: JsonObject;
  readonly answer: JsonObject;
}

/**
 * What a signature takes and gives in TensorFlow Serving's two forms, rows and columns; in columns alone where it has a scalar, or
 * tensors whose first dimensions cannot be the same. Undefined for a signature that JSON cannot call.
 */
export function predictSchemas(name: string, signature: Signature): PredictSchemas | undefined {
  const { inputs, outputs, uncallable } = signature;
  const needed = inputs.filter((input) => input.optional !== true);
  if (uncallable !== undefined || outputs.length === 0) return undefined;
  if (![...needed, ...outputs].every(({ dtype }) => hasJsonForm(dtype))) return undefined;
  const batch = commonBatch([...needed, ...outputs]);
  const sent = inputs.filter(({ dtype }) => hasJsonForm(dtype));
  const plain = sent.find((input) => input === plainInput(inputs));
  const columns = {
    request: request("Columns", name, "inputs", "instances", columnsRequest(sent, plain)),
    answer: answer("Columns", "outputs", columnsAnswer(outputs)),
  };
  if (batch === undefined) return columns;
  const plainRow = plain !== undefined && hasRows(plain) ? plain : undefined;
  const rows = {
    request: request("Rows", name, "instances", "inputs", rowsRequest(sent.filter(hasRows), plainRow, batch)),
    answer: answer("Rows", "predictions", rowsAnswer(outputs)),
  };
  return { request: { oneOf: [rows.request, columns.request] }, answer: { oneOf: [rows.answer, columns.answer] } };
}

/** The body of a request in one form: without the member of the other one. What else it has is passed over. */
function request(title: string, signature: string, member: string, other: string, schema: JsonObject): JsonObject {
  return {
    title,
    type: "object",
    required: [...(signature === DEFAULT_SIGNATURE ? [] : ["signature_name"]), member],
    properties: { signature_name: { type: "string", const: signature }, [member]: schema },
    not: { required: [other] },
  };
}

function answer(title: string, member: string, schema: JsonObject): JsonObject {
  return { title, type: "object", required: [member], properties: { [member]: schema } };
}

/** The number of rows of all: -1 where it is free; undefined where there are no rows. */
function commonBatch(infos: readonly TensorInfo[]): number | undefined {
  if (!infos.every(hasRows)) return undefined;
  const sizes = new Set(infos.flatMap(({ shape }) => (shape === undefined || shape[0]! < 0 ? [] : [shape[0]!])));
  if (sizes.size > 1 || sizes.has(0)) return undefined;
  return [...sizes][0] ?? -1;
}

function hasRows({ shape }: TensorInfo): boolean {
  return shape === undefined || shape.length > 0;
}

function rowsRequest(inputs: readonly TensorInfo[], plain: TensorInfo | undefined, batch: number): JsonObject {
  const list = (items: JsonObject): JsonObject => ({ type: "array", items, minItems: 1, ...count(batch) });
  const row = (input: TensorInfo) => valueSchema(input, 1);
  const named = list({ ...object(inputs, row), additionalProperties: false });
  return plain === undefined ? named : { anyOf: [list(row(plain)), named] };
}

function columnsRequest(inputs: readonly TensorInfo[], plain: TensorInfo | undefined): JsonObject {
  const column = (input: TensorInfo) => valueSchema(input, 0);
  const named = object(inputs, column);
  return plain === undefined ? named : { anyOf: [column(plain), named] };
}

/** An input's value, or that of a row of it: its numbers or, where they can be pixels, images. */
function valueSchema(info: TensorInfo, skip: 0 | 1): JsonObject {
  const tensor = tensorSchema(info, "request", skip);
  const axes = pixelAxes(info, {});
  if (axes === undefined || (skip === 1 && axes.batch === undefined)) return tensor;
  const image = ref("schemas", "Image");
  const images = skip === 1 || axes.batch === undefined ? image : { type: "array", items: image, ...count(axes.batch) };
  return { anyOf: [tensor, images] };
}

function rowsAnswer(outputs: readonly TensorInfo[]): JsonObject {
  const row = (output: TensorInfo) => tensorSchema(output, "answer", 1);
  return { type: "array", items: outputs.length === 1 ? row(outputs[0]!) : object(outputs, row) };
}

function columnsAnswer(outputs: readonly TensorInfo[]): JsonObject {
  const column = (output: TensorInfo) => tensorSchema(output, "answer");
  return outputs.length === 1 ? column(outputs[0]!) : object(outputs, column);
}

/** Names that readers of documents take for something else, wherever they are a key. */
const MISTAKEN: ReadonlySet<string> = new Set(["$ref", "__proto__"]);

function object(infos: readonly TensorInfo[], schema: (info: TensorInfo) => JsonObject): JsonObject {
  const safe = infos.filter(({ alias }) => !MISTAKEN.has(alias));
  const mistaken = infos.filter(({ alias }) => MISTAKEN.has(alias));
  return {
    type: "object",
    required: infos.filter((info) => info.optional !== true).map(({ alias }) => alias),
    properties: Object.fromEntries(safe.map((info) => [info.alias, schema(info)])),
    ...(mistaken.length > 0 && {
      patternProperties: Object.fromEntries(mistaken.map((info) => [`^${info.alias.replace("$", "[$]")}$`, schema(info)])),
    }),
  };
}
