import { ServingError } from "../../base/serving-error.ts";
import type { Pointer } from "../native-calls.ts";
import type { TensorFlowLibrary } from "./library.ts";

/** Words of a `TF_Output`: the operation's address, and which of its outputs. */
const OUTPUT_WORDS = 2;

/**
 * `TF_Output`s for tensors of a graph by their names: `x:0`, or `x` for the first output. In memory of their own, so that a call on
 * another thread may use them.
 * @throws ServingError not-found for a tensor that the graph does not have.
 */
export function graphOutputs(library: TensorFlowLibrary, graph: Pointer, names: readonly string[]): BigUint64Array {
  const words = ownWords(names.length * OUTPUT_WORDS);
  for (const [i, name] of names.entries()) {
    const { operation, index } = splitName(name);
    const address = operation === undefined ? null : library.api.graphOperationByName(graph, operation);
    if (address === null || index >= library.api.operationNumOutputs(address)) {
      throw new ServingError("not-found", `the graph has no tensor "${name}"`);
    }
    words[i * OUTPUT_WORDS] = address;
    words[i * OUTPUT_WORDS + 1] = BigInt(index);
  }
  return words;
}

/**
 * `TF_Operation *`s by name; a tensor's name stands for what computes it.
 * @throws ServingError not-found for an operation that the graph does not have.
 */
export function graphOperations(library: TensorFlowLibrary, graph: Pointer, names: readonly string[]): BigUint64Array {
  const words = ownWords(names.length);
  for (const [i, name] of names.entries()) {
    const address = library.api.graphOperationByName(graph, splitName(name).operation ?? name);
    if (address === null) throw new ServingError("not-found", `the graph has no operation "${name}"`);
    words[i] = address;
  }
  return words;
}

/** Words that do not move: small typed arrays live on the JavaScript heap, where they do. */
export function ownWords(count: number): BigUint64Array {
  return new BigUint64Array(new ArrayBuffer(Math.max(1, count) * 8));
}

function splitName(name: string): { readonly operation: string | undefined; readonly index: number } {
  const parts = /^([^:]+)(?::(\d{1,9}))?$/.exec(name);
  // A name with a zero byte would end there for the library.
  if (parts === null || name.includes("\0")) return { operation: undefined, index: 0 };
  return { operation: parts[1], index: Number(parts[2] ?? 0) };
}
