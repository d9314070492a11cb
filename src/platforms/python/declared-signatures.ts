import { stat } from "node:fs/promises";
import { join, parse } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import type { DeclaredSignature, DeclaredTensor } from "../../model/python-program.ts";
import { ARRAY_TYPES } from "../../tensor/dtype.ts";
import { DEFAULT_SIGNATURE } from "../../tensor/signature.ts";
import { modelBytes } from "../model-bytes.ts";
import { withModelFile } from "../with-model-file.ts";

const MOST_BYTES = 1 << 20;
const MOST_DIMENSIONS = 64;
const KNOWN: ReadonlySet<string> = new Set(["string", ...Object.keys(ARRAY_TYPES)]);

type Declared = readonly DeclaredSignature[];

/**
 * What the user says of a model's signatures in `signature.json` beside it, or in `STEM-signature.json` for the file `STEM.pt`; undefined where
 * there is neither. `{"inputs": {"x": {"dtype": "float32", "shape": [-1, 4]}}, "outputs": {...}}`, or several of them by name under `signatures`.
 * @throws ServingError invalid-argument, naming the file and the part at fault
 */
export async function readDeclaredSignatures(folder: string, file: string, signal: AbortSignal): Promise<Declared | undefined> {
  for (const name of [`${parse(file).name}-signature.json`, "signature.json"]) {
    const entry = await stat(join(folder, name)).catch(() => undefined);
    if (!entry?.isFile()) continue;
    if (entry.size > MOST_BYTES) throw new ServingError("invalid-argument", `${name} has ${entry.size} bytes, more than 1 MiB`);
    const bytes = await withModelFile(join(folder, name), name, (handle) => modelBytes(handle, name, signal));
    return parseDeclaredSignatures(bytes.toString("utf8"), name);
  }
  return undefined;
}

/** The same from the text of the file called `name`. */
export function parseDeclaredSignatures(text: string, name: string): Declared {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new ServingError("invalid-argument", `${name} is no JSON`, { cause });
  }
  const fault = (message: string) => new ServingError("invalid-argument", `${name}: ${message}`);
  const outer = mapping(document, fault, "it");
  const several = "signatures" in outer ? mapping(outer.signatures, fault, "signatures") : { [DEFAULT_SIGNATURE]: outer };
  const entries = Object.entries(several);
  if (entries.length === 0) throw fault("it has no signatures");
  return entries.map(([key, value]) => {
    const written = mapping(value, fault, `signature "${key}"`);
    if (!("inputs" in written)) throw fault(`signature "${key}" has no inputs`);
    return {
      name: key,
      inputs: tensors(written.inputs, "input", fault),
      ...(written.outputs !== undefined && { outputs: tensors(written.outputs, "output", fault) }),
    };
  });
}

type Fault = (message: string) => ServingError;

function tensors(value: unknown, what: string, fault: Fault): readonly DeclaredTensor[] {
  return Object.entries(mapping(value, fault, `${what}s`)).map(([name, each]) => {
    const { dtype, shape, optional, ...others } = mapping(each, fault, `${what} "${name}"`);
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) throw fault(`${what} "${name}" has the unknown key "${unknown}" (known: dtype, shape, optional)`);
    if (typeof dtype !== "string" || !KNOWN.has(dtype)) {
      throw fault(`${what} "${name}" has the dtype ${JSON.stringify(dtype)} (known: ${[...KNOWN].join(", ")})`);
    }
    if (optional !== undefined && typeof optional !== "boolean") throw fault(`${what} "${name}": optional is true or false`);
    const sizes = sizesOf(shape, `${what} "${name}"`, fault);
    return { name, dtype, ...(sizes && { shape: sizes }), ...(optional === true && { optional }) };
  });
}

function sizesOf(shape: unknown, what: string, fault: Fault): readonly number[] | undefined {
  if (shape === undefined || shape === null) return undefined;
  const fits =
    Array.isArray(shape) && shape.length <= MOST_DIMENSIONS && shape.every((size) => Number.isSafeInteger(size) && size >= -1);
  if (!fits) throw fault(`${what} has a shape that is no list of sizes, -1 for any`);
  return shape as readonly number[];
}

function mapping(value: unknown, fault: Fault, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw fault(`${what} must be a mapping`);
  return value as Readonly<Record<string, unknown>>;
}
