import { ServingError } from "../../base/serving-error.ts";
import type { TensorInfo } from "../../tensor/signature.ts";
import type { NamedTensors, Tensor } from "../../tensor/tensor.ts";
import { base64Text } from "./base64.ts";
import type { JsonDocument } from "./document.ts";
import type { ElementReader } from "./element.ts";
import { type ElementsOf, elementsByType, rowwiseElements } from "./element-reader.ts";
import { InputNames } from "./input-names.ts";
import { readInstances } from "./instances.ts";
import { valueError } from "./json-error.ts";
import { listedNames, withMissing } from "./missing-inputs.ts";
import { plainInput } from "./plain-input.ts";
import { isRow, readRows } from "./rowwise-instances.ts";
import { scanColon, scanValue, skipSpace } from "./scan.ts";
import { readTensorValue } from "./tensor-value.ts";
import { decodeString, stringEnd } from "./text.ts";

/**
 * How a predict request lists its tensors, and so how the answer must: TensorFlow Serving's two forms, or `named`, Simple TensorFlow
 * Serving's, whose answer is an object of the outputs.
 */
export type PredictFormat = "row" | "columnar" | "named";

/** The tensors of a predict request by input alias. */
export interface PredictInputs {
  readonly format: PredictFormat;
  readonly tensors: NamedTensors;
}

/**
 * Reads the tensors of a predict request: `instances` (row form, one more leading dimension) or `inputs` (columnar form).
 * Inputs that are `optional` may be left out; a plain value is taken for the only input, or the only one that is not optional.
 * Of a `rowwise` signature a row may be a list of its inputs' values or lack some, and what the request lacks is missing where it may be.
 * Declared shapes are not compared. To be called once for a document: the tensors take over what its scan read.
 * @param elementsOf another way to read elements than by the inputs' types.
 * @throws ServingError invalid-argument in TensorFlow Serving's words; unimplemented for a complex input in columnar form.
 */
export function readPredictInputs(
  document: JsonDocument,
  inputs: readonly TensorInfo[],
  rowwise = false,
  elementsOf: ElementsOf = rowwise ? rowwiseElements : elementsByType,
): PredictInputs {
  const { instances, inputs: columns } = document.members;
  if (instances === undefined) {
    if (columns === undefined) throw new ServingError("invalid-argument", "Missing 'inputs' or 'instances' key");
    return { format: "columnar", tensors: readColumns(document, columns.start, inputs, rowwise, elementsOf) };
  }
  if (columns !== undefined) {
    throw rootError(document, "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist");
  }
  const { bytes } = document;
  if (bytes[instances.start] !== 0x5b) throw rootError(document, "Expecting 'instances' to be an list/array");
  const first = skipSpace(bytes, instances.start + 1, bytes.length);
  if (bytes[first] === 0x5d) throw rootError(document, "No values in 'instances' array");
  if (rowwise && isRow(bytes, first, inputs)) return { format: "row", tensors: readRows(document, first, inputs, elementsOf) };
  return { format: "row", tensors: readInstances(document, instances.start, inputs, elementsOf) };
}

function rootError(document: JsonDocument, rest: string): ServingError {
  return valueError(document.bytes, document.root.start, document.root.end, rest);
}

function readColumns(
  document: JsonDocument,
  start: number,
  inputs: readonly TensorInfo[],
  rowwise: boolean,
  elementsOf: ElementsOf,
): NamedTensors {
  const { bytes } = document;
  if (bytes[start] !== 0x7b || base64Text(bytes, start) !== undefined) {
    const input = plainInput(inputs);
    if (input === undefined) {
      throw new ServingError(
        "invalid-argument",
        "inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map",
      );
    }
    return new Map([[input.alias, readColumn(document, start, elementsOf(input)).tensor]]);
  }
  const names = new InputNames(inputs);
  const found: (Tensor | undefined)[] = inputs.map(() => undefined);
  for (let at = skipSpace(bytes, start + 1, bytes.length); bytes[at] === 0x22; ) {
    const nameStart = at;
    const nameStop = stringEnd(bytes, at);
    const index = names.find(bytes, at, nameStop);
    if (index < 0 && rowwise) throw unknownInput(decodeString(bytes, nameStart, nameStop), inputs);
    at = scanColon(bytes, nameStop, bytes.length);
    if (index < 0 || found[index] !== undefined) at = scanValue(bytes, at, bytes.length);
    else {
      const { tensor, end } = readColumn(document, at, elementsOf(inputs[index]));
      found[index] = tensor;
      at = end;
    }
    at = skipSpace(bytes, at, bytes.length);
    if (bytes[at] === 0x2c) at = skipSpace(bytes, at + 1, bytes.length);
  }
  if (rowwise) {
    const rows = found.find((tensor) => tensor !== undefined)?.shape[0];
    if (rows !== undefined) return withMissing(inputs, found, rows, elementsOf);
  }
  const tensors = new Map<string, Tensor>();
  for (let i = 0; i < inputs.length; i++) {
    const tensor = found[i];
    if (tensor !== undefined) tensors.set(inputs[i].alias, tensor);
    else if (inputs[i].optional !== true) {
      throw new ServingError("invalid-argument", `Missing named input: ${inputs[i].alias} in 'inputs' object.`);
    }
  }
  return tensors;
}

function unknownInput(name: string, inputs: readonly TensorInfo[]): ServingError {
  return new ServingError(
    "invalid-argument",
    `'inputs' object has a named input that is not known: ${name} (inputs: ${listedNames(inputs)})`,
  );
}

function readColumn(
  document: JsonDocument,
  start: number,
  elements: ElementReader,
): { readonly tensor: Tensor; readonly end: number } {
  const { shape, end } = readTensorValue(document, start, elements);
  return { tensor: elements.finish(shape), end };
}
