import type { BatchedSignature } from "../model/batching.ts";
import type { Signature, Signatures, TensorInfo } from "../tensor/signature.ts";

/** A signature whose requests are run one by one. */
export interface UnbatchedSignature {
  readonly signature: string;
  /** Why, for people; names the tensor at fault. */
  readonly reason: string;
}

/**
 * Which signatures can run several requests at once, by their declarations: every input that a request must give and every
 * output has, or may have, a first dimension of free size, the same for all. A name that only an output's dimension has tells
 * nothing: exporters and ONNX Runtime make such names up. Texts that are padded to a request's longest row would be to the batch's. An input whose dimension called `batch` is another one takes time, or the like,
 * first. Whether the rows are independent of each other no declaration says.
 */
export function batchableSignatures(signatures: Signatures): {
  readonly batched: ReadonlyMap<string, BatchedSignature>;
  readonly unbatched: readonly UnbatchedSignature[];
} {
  const batched = new Map<string, BatchedSignature>();
  const unbatched: UnbatchedSignature[] = [];
  for (const [name, signature] of signatures) {
    if (signature.uncallable !== undefined) continue;
    const reason = obstacle(signature);
    if (reason !== undefined) unbatched.push({ signature: name, reason });
    else {
      const dimension = batchDimension(required(signature));
      batched.set(name, {
        unbatchedInputs: signature.inputs.filter((input) => unfit(input, "input", dimension)).map(({ alias }) => alias),
      });
    }
  }
  return { batched, unbatched };
}

function obstacle(signature: Signature): string | undefined {
  if (signature.runsAlone !== undefined) return signature.runsAlone;
  if (signature.inputs.length === 0) return "it has no inputs";
  const inputs = required(signature);
  const dimension = batchDimension(inputs);
  for (const { alias, dimensionNames = [] } of inputs) {
    const place = dimensionNames.indexOf("batch");
    if (place > 0) return `input "${alias}" has the batch as dimension ${place}, where it would have to be the first`;
  }
  for (const input of inputs) {
    const reason = unfit(input, "input", dimension);
    if (reason !== undefined) return reason;
  }
  const known = new Set(inputs.flatMap(({ dimensionNames }) => dimensionNames ?? []));
  for (const output of signature.outputs) {
    const madeUp = !known.has(output.dimensionNames?.[0] ?? "");
    const reason = unfit(output, "output", madeUp ? undefined : dimension) ?? ragged(output);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Rows of texts that are as many as the longest row of the run has would be longer for the others in a batch. */
function ragged({ alias, dtype, shape = [], nullable }: TensorInfo): string | undefined {
  if (nullable !== true || dtype !== "string" || !shape.some((size, axis) => axis > 0 && size < 0)) return undefined;
  return `output "${alias}" is as wide as the longest row of the request`;
}

function required({ inputs }: Signature): readonly TensorInfo[] {
  return inputs.filter(({ optional }) => optional !== true);
}

/** A dimension by its name and the input that has it. */
interface NamedDimension {
  readonly name: string;
  readonly input: string;
}

/** The first of the names that the inputs give their first dimension. */
function batchDimension(inputs: readonly TensorInfo[]): NamedDimension | undefined {
  for (const { alias, dimensionNames } of inputs) {
    const name = dimensionNames?.[0] ?? "";
    if (name !== "") return { name, input: alias };
  }
  return undefined;
}

function unfit(tensor: TensorInfo, kind: "input" | "output", dimension: NamedDimension | undefined): string | undefined {
  const { alias, shape, dimensionNames } = tensor;
  if (shape === undefined) return undefined;
  if (shape.length === 0) return `${kind} "${alias}" is a scalar`;
  if (shape[0] !== -1) return `${kind} "${alias}" has a first dimension of ${shape[0]}, which would have to be free`;
  const name = dimensionNames?.[0] ?? "";
  if (name === "" || dimension === undefined || name === dimension.name) return undefined;
  return `the first dimension of ${kind} "${alias}" is "${name}" and that of input "${dimension.input}" is "${dimension.name}"`;
}
