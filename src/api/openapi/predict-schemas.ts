import { pixelAxes } from "../../codec/image/pixel-input.ts";
import { plainInput } from "../../codec/json/plain-input.ts";
import { neededInputs, ownInputs } from "../../tensor/own-inputs.ts";
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
  const needed = neededInputs(inputs);
  if (uncallable !== undefined || outputs.length === 0) return undefined;
  if (![...needed, ...outputs].every(({ dtype }) => hasJsonForm(dtype))) return undefined;
  const batch = commonBatch([...needed, ...outputs]);
  const sent = ownInputs(inputs).filter(({ dtype }) => hasJsonForm(dtype));
  const plain = sent.find((input) => input === plainInput(inputs));
  const columns = {
    request: request("Columns", name, "inputs", "instances", columnsRequest(signature, sent, plain)),
    answer: answer("Columns", "outputs", columnsAnswer(outputs)),
  };
  if (batch === undefined) return columns;
  const plainRow = plain !== undefined && hasRows(plain) ? plain : undefined;
  const rows = {
    request: request("Rows", name, "instances", "inputs", rowsRequest(signature, sent.filter(hasRows), plainRow, batch)),
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

function rowsRequest(
  signature: Signature,
  inputs: readonly TensorInfo[],
  plain: TensorInfo | undefined,
  batch: number,
): JsonObject {
  const list = (items: JsonObject): JsonObject => ({ type: "array", items, minItems: 1, ...count(batch) });
  const row = (input: TensorInfo) => valueSchema(input, 1);
  const forms = [list({ ...object(inputs, row, mayLack(signature)), additionalProperties: false })];
  const named = columnsOf(signature, row);
  if (named !== undefined) forms.push(list(named));
  if (signature.rowwise && inputs.length > 1) {
    forms.unshift(list({ type: "array", prefixItems: inputs.map(row), ...count(inputs.length) }));
  } else if (plain !== undefined) forms.unshift(list(row(plain)));
  return anyOf(forms);
}

function columnsRequest(signature: Signature, inputs: readonly TensorInfo[], plain: TensorInfo | undefined): JsonObject {
  const column = (input: TensorInfo) => valueSchema(input, 0);
  const named = columnsOf(signature, column);
  return anyOf([
    ...(plain === undefined ? [] : [column(plain)]),
    { ...object(inputs, column, mayLack(signature)), ...(signature.rowwise && { additionalProperties: false }) },
    ...(named === undefined ? [] : [named]),
  ]);
}

/** More columns than these are told of as one. */
const MOST_COLUMNS = 100;

/** An object of a matrix's columns by name; undefined where no input has any. */
function columnsOf({ inputs }: Signature, schema: (column: TensorInfo) => JsonObject): JsonObject | undefined {
  const columns = inputs.filter(({ columnOf }) => columnOf !== undefined);
  if (columns.length === 0) return undefined;
  if (columns.length > MOST_COLUMNS) return { type: "object", additionalProperties: schema(columns[0]!) };
  return { type: "object", ...members(columns, schema), additionalProperties: false };
}

/** What requests may leave out. */
function mayLack({ rowwise }: Signature): (input: TensorInfo) => boolean {
  return ({ optional, nullable }) => optional === true || (rowwise === true && nullable === true);
}

function anyOf(forms: readonly JsonObject[]): JsonObject {
  return forms.length === 1 ? forms[0]! : { anyOf: forms };
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

function object(
  infos: readonly TensorInfo[],
  schema: (info: TensorInfo) => JsonObject,
  mayLack = ({ optional }: TensorInfo) => optional === true,
): JsonObject {
  const required = infos.filter((info) => !mayLack(info)).map(({ alias }) => alias);
  return { type: "object", required, ...members(infos, schema) };
}

function members(infos: readonly TensorInfo[], schema: (info: TensorInfo) => JsonObject): JsonObject {
  const safe = infos.filter(({ alias }) => !MISTAKEN.has(alias));
  const mistaken = infos.filter(({ alias }) => MISTAKEN.has(alias));
  return {
    properties: Object.fromEntries(safe.map((info) => [info.alias, schema(info)])),
    ...(mistaken.length > 0 && {
      patternProperties: Object.fromEntries(mistaken.map((info) => [`^${info.alias.replace("$", "[$]")}$`, schema(info)])),
    }),
  };
}
