import { ServingError } from "../../base/serving-error.ts";
import { damaged } from "./damaged.ts";

const MOST_BYTES = 1 << 20;
const MOST_DIMENSIONS = 32;

/**
 * Reads the shapes of inputs of a `-signature.json` file, by name: `{"inputs": [{"data_name": "data", "data_shape": [1, 4]}]}`. What it
 * says of outputs is what the graph says.
 * @throws ServingError data-loss for what is no signature, naming the file
 */
export function readSignature(bytes: Buffer, file: string): ReadonlyMap<string, readonly number[]> {
  if (bytes.length > MOST_BYTES) throw new ServingError("invalid-argument", `${file} has ${bytes.length} bytes, more than 1 MiB`);
  const shapes = new Map<string, readonly number[]>();
  for (const input of inputsOf(bytes, file)) {
    const { data_name: name, data_shape: shape } = (input ?? {}) as {
      readonly data_name?: unknown;
      readonly data_shape?: unknown;
    };
    if (typeof name !== "string") throw damaged(file, "has an input without a data_name");
    if (!Array.isArray(shape) || shape.length > MOST_DIMENSIONS || !shape.every((size) => Number.isSafeInteger(size))) {
      throw damaged(file, `has no data_shape for ${JSON.stringify(name.slice(0, 64))}`);
    }
    shapes.set(name, shape as readonly number[]);
  }
  return shapes;
}

function inputsOf(bytes: Buffer, file: string): readonly unknown[] {
  let document: unknown;
  try {
    document = JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw damaged(file, "is no JSON", { cause });
  }
  const inputs: unknown = typeof document === "object" && document !== null && "inputs" in document ? document.inputs : undefined;
  if (!Array.isArray(inputs)) throw damaged(file, "has no list of inputs");
  return inputs;
}
