import type { SignatureDetail, TensorDetail } from "../../src/api/dashboard/dashboard-messages.ts";
import { isList, isObject, type Json, parseJson, printJson } from "./exact-json.ts";
import { base64Of, InputFault, type InputValue, jsonOf } from "./input-value.ts";

/** How the server makes pixels of an uploaded image; what is empty the server chooses by the signature. */
export interface ImageRules {
  readonly preset: string;
  readonly resize: string;
  readonly channels: string;
  readonly layout: string;
  readonly scale: string;
  readonly mean: string;
  readonly std: string;
}

/** Rules that leave everything to the server. */
export const NO_RULES: ImageRules = { preset: "", resize: "", channels: "", layout: "", scale: "", mean: "", std: "" };

/** A predict call before it is sent. */
export type PredictRequest =
  | { readonly kind: "json"; readonly body: string }
  | { readonly kind: "multipart"; readonly fields: readonly (readonly [string, string])[]; readonly files: readonly File[] };

/** The name that a request may leave out. */
const DEFAULT_SIGNATURE = "serving_default";

/**
 * The call that a filled-in form stands for: multipart where files for one input are all there is, else JSON in columns.
 * @throws InputFault
 */
export async function buildRequest(
  signature: SignatureDetail,
  values: ReadonlyMap<string, InputValue>,
  rules: ImageRules,
): Promise<PredictRequest> {
  const given = signature.inputs.filter(({ alias }) => (values.get(alias) ?? { editor: "absent" }).editor !== "absent");
  const [only] = given;
  const first = only && values.get(only.alias);
  if (given.length === 1 && first?.editor === "files") {
    requireFiles(only!, first.files);
    const named = signature.name === DEFAULT_SIGNATURE ? [] : [["signature_name", signature.name] as const];
    const input = signature.inputs.length === 1 ? [] : [["input", only!.alias] as const];
    const set = only!.dtype === "string" ? [] : Object.entries(rules).filter(([, rule]) => rule.trim() !== "");
    return { kind: "multipart", fields: [...named, ...input, ...set], files: first.files };
  }
  const inputs = new Map<string, Json>();
  for (const tensor of given) {
    const value = values.get(tensor.alias)!;
    if (value.editor === "files") {
      requireFiles(tensor, value.files);
      inputs.set(tensor.alias, await base64Of(tensor, value.files));
    } else inputs.set(tensor.alias, jsonOf(tensor, value)!);
  }
  const body = new Map<string, Json>();
  if (signature.name !== DEFAULT_SIGNATURE) body.set("signature_name", signature.name);
  body.set("inputs", inputs);
  return { kind: "json", body: printJson(body, { indented: true }) };
}

function requireFiles({ alias }: TensorDetail, files: readonly File[]): void {
  if (files.length === 0) throw new InputFault(`${alias}: choose an image, or drop one`);
}

/** The values of each input in a predict body, rows put together; empty where the body has another form. */
export function columnsOf(body: string, inputs: readonly TensorDetail[]): ReadonlyMap<string, Json> {
  let request: Json;
  try {
    request = parseJson(body);
  } catch {
    return new Map();
  }
  if (!isObject(request)) return new Map();
  const columns = request.get("inputs");
  if (columns !== undefined) return isNamed(columns, inputs) ? columns : onlyColumn(columns, inputs);
  const rows = request.get("instances");
  if (!isList(rows)) return new Map();
  if (!rows.every((row) => isNamed(row, inputs))) return onlyColumn(rows, inputs);
  const aliases = inputs.map(({ alias }) => alias).filter((alias) => rows.every((row) => isObject(row) && row.has(alias)));
  return new Map(aliases.map((alias) => [alias, rows.map((row) => (row as ReadonlyMap<string, Json>).get(alias)!)]));
}

function isNamed(value: Json, inputs: readonly TensorDetail[]): value is ReadonlyMap<string, Json> {
  return isObject(value) && value.size > 0 && [...value.keys()].every((key) => inputs.some(({ alias }) => alias === key));
}

function onlyColumn(value: Json, inputs: readonly TensorDetail[]): ReadonlyMap<string, Json> {
  const wanted = inputs.filter(({ optional }) => optional !== true);
  return wanted.length === 1 ? new Map([[wanted[0]!.alias, value]]) : new Map();
}

/** Longest body that the server writes a program of, in bytes. */
const LONGEST_IN_PROGRAM = 65_536;

/** Longer JSON is not read to see whether it would fit without its blanks. */
const LONGEST_READ = 8 * LONGEST_IN_PROGRAM;

/** What a program can send of a call. */
export type ProgramBody =
  | { readonly kind: "whole" | "without-rules"; readonly body: string }
  /** It is not JSON yet, or no predict call. */
  | { readonly kind: "incomplete" }
  | { readonly kind: "too-long" };

/**
 * The call as the body of a program's: files become base64, of the input that is named or the signature's only one; rules for images,
 * which are in the query of a call in JSON, are left out.
 */
export async function programBody(request: PredictRequest, { inputs }: SignatureDetail): Promise<ProgramBody> {
  if (request.kind === "json") {
    if (request.body.length > LONGEST_READ) return { kind: "too-long" };
    if (!isPredictCall(request.body)) return { kind: "incomplete" };
    // As it was written while that will do: 1.0 is not 1 to everybody.
    if (lengthOf(request.body) <= LONGEST_IN_PROGRAM) return { kind: "whole", body: request.body };
    const line = printJson(parseJson(request.body));
    return lengthOf(line) > LONGEST_IN_PROGRAM ? { kind: "too-long" } : { kind: "whole", body: line };
  }
  const fields = new Map(request.fields);
  const tensor = inputs.find(({ alias }) => alias === fields.get("input")) ?? inputs[0]!;
  // Not even read: files may be large.
  if (request.files.reduce((total, { size }) => total + size, 0) > LONGEST_IN_PROGRAM) return { kind: "too-long" };
  const named = fields.get("signature_name");
  const entries: (readonly [string, Json])[] = named === undefined ? [] : [["signature_name", named]];
  entries.push(["inputs", new Map([[tensor.alias, await base64Of(tensor, request.files)]])]);
  const body = printJson(new Map(entries));
  if (lengthOf(body) > LONGEST_IN_PROGRAM) return { kind: "too-long" };
  const rules = [...fields.keys()].some((name) => name !== "signature_name" && name !== "input");
  return { kind: rules ? "without-rules" : "whole", body };
}

function isPredictCall(body: string): boolean {
  try {
    const call = parseJson(body);
    return isObject(call) && (call.has("inputs") || call.has("instances"));
  } catch {
    return false;
  }
}

function lengthOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** The call as a command for a POSIX shell; where there is a `user`, curl asks for the password. */
export function curlOf(url: string, request: PredictRequest, user?: string): string {
  const start = `curl -X POST ${user === undefined ? "" : `-u ${quote(user)} `}${quote(url)}`;
  if (request.kind === "json") {
    return `${start} \\\n  -H 'content-type: application/json' \\\n  -d ${quote(request.body)}`;
  }
  const fields = request.fields.map(([name, value]) => `--form-string ${quote(`${name}=${value}`)}`);
  const files = request.files.map(({ name }) => `-F ${quote(`image=@${name}`)}`);
  return [start, ...fields, ...files].join(" \\\n  ");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
