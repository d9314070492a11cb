import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { shellWord } from "../clients/languages/bash-literal.ts";
import type { DType } from "../tensor/dtype.ts";
import { neededInputs } from "../tensor/own-inputs.ts";
import { DEFAULT_SIGNATURE, type Signatures, type TensorInfo } from "../tensor/signature.ts";

/** Values up to this many are written out in the curl line. */
const INLINE_VALUES = 200;

/** A file beside the version folders that holds a REST request body worth showing. */
const SAMPLE_FILE = "sample_request.json";

type Json = number | boolean | string | Json[] | { [key: string]: Json };

/**
 * A shell line that asks a model for a prediction and works as pasted: with the model's own `sample_request.json` if it
 * has one, else with zeros in the shape of its signature. Undefined for a model that JSON cannot ask. `curl` is the command with
 * the options that reach the server.
 */
export async function sampleRequest(
  restUrl: string,
  model: string,
  basePath: string,
  signatures: Signatures,
  curl = "curl -s",
): Promise<string | undefined> {
  const url = `${restUrl}/v1/models/${encodeURIComponent(model)}:predict`;
  const own = await readFile(join(basePath, SAMPLE_FILE), "utf8").catch(() => undefined);
  if (own !== undefined) return `${curl} ${url} -d ${shellWord(compact(own))}`;
  const callable = [...signatures].filter(([, { uncallable }]) => uncallable === undefined);
  const [name, signature] = callable.find(([each]) => each === DEFAULT_SIGNATURE) ?? callable[0] ?? [];
  if (signature === undefined || name === undefined) return undefined;
  const inputs = neededInputs(signature.inputs);
  if (inputs.some((input) => input.dtype.startsWith("complex"))) return undefined;
  const chosen = name === DEFAULT_SIGNATURE ? {} : { signature_name: name };
  const total = inputs.reduce((sum, input) => sum + sizes(input).reduce((product, size) => product * size, 1), 0);
  if (total <= INLINE_VALUES) {
    const body = {
      ...chosen,
      inputs: Object.fromEntries(inputs.map((input) => [input.alias, filled(sizes(input), zero(input.dtype))])),
    };
    return `${curl} ${url} -d ${shellWord(JSON.stringify(body))}`;
  }
  const entries = inputs.map(
    (input) => `${JSON.stringify(input.alias)}:z(${JSON.stringify(sizes(input))},${JSON.stringify(zero(input.dtype))})`,
  );
  const signatureEntry = name === DEFAULT_SIGNATURE ? "" : `signature_name:${JSON.stringify(name)},`;
  const script = `z=(s,v)=>s.length?Array(s[0]).fill(z(s.slice(1),v)):v;console.log(JSON.stringify({${signatureEntry}inputs:{${entries.join(",")}}}))`;
  return `node -e ${shellWord(script)} | ${curl} ${url} -d @-`;
}

/** A concrete shape: 1 wherever the size is free. */
function sizes({ shape }: TensorInfo): readonly number[] {
  return (shape ?? [1]).map((size) => (size < 0 ? 1 : size));
}

function zero(dtype: DType): Json {
  if (dtype === "string") return "text";
  return dtype === "bool" ? false : 0;
}

function filled(shape: readonly number[], value: Json): Json {
  const [size, ...rest] = shape;
  return size === undefined ? value : Array.from({ length: size }, () => filled(rest, value));
}

function compact(json: string): string {
  return json.replace(/\s*\n\s*/g, " ").trim();
}
