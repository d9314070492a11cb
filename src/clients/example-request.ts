import { ServingError } from "../base/serving-error.ts";
import type { DType } from "../tensor/dtype.ts";
import { neededInputs } from "../tensor/own-inputs.ts";
import { DEFAULT_SIGNATURE, type Signature, type TensorInfo } from "../tensor/signature.ts";
import { entriesOf, type JsonTree, parseJson, printJson } from "./json-tree.ts";

/** Up to this many values of an input differ from each other; of more a program writes one and repeats it. */
export const MOST_DIFFERENT_VALUES = 2000;

/** Values of all inputs together that a request is made up of at most. */
const MOST_VALUES = 2_000_000;

/** What a free dimension becomes: the rows, the height and width of a picture, anything else. */
const ROWS = 1;
const PIXELS = 32;
const OTHERS = 2;

/**
 * The body of a REST predict call as JSON of printable ASCII on one line: inputs in columns, and the signature's name unless it is the
 * default one. That is `known` where it is of this signature; else values are made up from what the signature declares, optional
 * inputs left out.
 *
 * Throws ServingError failed-precondition for a signature that JSON cannot call, or only with more values than anybody would read.
 */
export function exampleRequest(signatureName: string, signature: Signature, known?: string): string {
  const recorded = known === undefined ? undefined : parseKnown(known);
  if (recorded !== undefined && signatureOf(recorded) === signatureName) return printJson(recorded);
  const chosen: [string, JsonTree][] =
    signatureName === DEFAULT_SIGNATURE ? [] : [["signature_name", { kind: "string", value: signatureName }]];
  return printJson({ kind: "object", entries: [...chosen, ["inputs", madeUpInputs(signature)]] });
}

/** `{"data": {...}}` with made-up values, as Simple TensorFlow Serving's `gen_json` answers. Throws as {@link exampleRequest}. */
export function exampleData(signature: Signature): string {
  return printJson({ kind: "object", entries: [["data", madeUpInputs(signature)]] });
}

/** A known request; undefined for one that is none, which nobody needs then. */
function parseKnown(text: string): JsonTree | undefined {
  try {
    const tree = parseJson(text);
    return tree.kind === "object" ? tree : undefined;
  } catch {
    return undefined;
  }
}

function signatureOf(request: JsonTree): string {
  const named = entriesOf(request).get("signature_name");
  return named?.kind === "string" && named.value !== "" ? named.value : DEFAULT_SIGNATURE;
}

/** A made-up value for every input that must be given. */
function madeUpInputs(signature: Signature): JsonTree {
  if (signature.uncallable !== undefined) throw new ServingError("failed-precondition", signature.uncallable);
  const inputs = neededInputs(signature.inputs);
  const strange = inputs.find(({ dtype }) => dtype.startsWith("complex"));
  if (strange !== undefined) {
    throw new ServingError(
      "failed-precondition",
      `input "${strange.alias}" is ${strange.dtype}, which JSON has no form for: call the model over gRPC`,
    );
  }
  const named = new Map<string, number>();
  const shapes = inputs.map((input) => exampleShape(input, named));
  const total = shapes.reduce((sum, shape) => sum + valuesIn(shape), 0);
  if (total > MOST_VALUES) {
    throw new ServingError(
      "failed-precondition",
      `an example request would have ${total} values, more than ${MOST_VALUES}: put a smaller one in sample_request.json beside the model`,
    );
  }
  return { kind: "object", entries: inputs.map(({ alias, dtype }, i) => [alias, madeUp(dtype, shapes[i])]) };
}

/** A size for every dimension; dimensions of one name get the same, which `named` keeps. */
function exampleShape({ shape, dtype, dimensionNames }: TensorInfo, named: Map<string, number>): readonly number[] {
  if (shape === undefined) return [ROWS];
  const picture = shape.length === 4 && dtype !== "string" && [1, 3, 4].some((size) => shape[1] === size || shape[3] === size);
  return shape.map((size, dimension) => {
    if (size >= 0) return size;
    const made = dimension === 0 ? ROWS : picture ? PIXELS : OTHERS;
    const name = dimensionNames?.[dimension];
    if (!name) return made;
    const same = named.get(name) ?? made;
    named.set(name, same);
    return same;
  });
}

function valuesIn(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function madeUp(dtype: DType, shape: readonly number[]): JsonTree {
  const different = valuesIn(shape) <= MOST_DIFFERENT_VALUES;
  if (!different) return { kind: "filled", element: value(dtype, 4), sizes: shape };
  let next = 0;
  const dimension = (depth: number): JsonTree =>
    depth === shape.length
      ? value(dtype, next++)
      : { kind: "list", items: Array.from({ length: shape[depth] }, () => dimension(depth + 1)) };
  return dimension(0);
}

/** Floats go from 0.1 to 0.9 and round again; an integer is 1, which is an index into almost anything. */
function value(dtype: DType, index: number): JsonTree {
  switch (dtype) {
    case "string":
      return { kind: "string", value: "text" };
    case "bool":
      return { kind: "literal", text: "true" };
    case "float16":
    case "bfloat16":
    case "float32":
    case "float64":
      return { kind: "literal", text: `0.${(index % 9) + 1}` };
    case "int8":
    case "int16":
    case "int32":
    case "int64":
    case "uint8":
    case "uint16":
    case "uint32":
    case "uint64":
    case "complex64":
    case "complex128":
      return { kind: "literal", text: "1" };
  }
}
