import { ServingError } from "../../base/serving-error.ts";
import { statusName } from "../../base/status-code.ts";
import type { TensorInfo } from "../../tensor/signature.ts";
import type { NamedTensors, Tensor } from "../../tensor/tensor.ts";
import { base64Text } from "./base64.ts";
import type { JsonDocument } from "./document.ts";
import type { ElementReader } from "./element.ts";
import type { ElementsOf } from "./element-reader.ts";
import { InputNames } from "./input-names.ts";
import { printValue } from "./json-error.ts";
import { plainInput } from "./plain-input.ts";
import { scanColon, skipSpace } from "./scan.ts";
import { StackedInput } from "./stacked-input.ts";
import { blockAt } from "./tensor-value.ts";
import { decodeString, stringEnd } from "./text.ts";

/**
 * Stacks the elements of the scanned, not empty list at `start` (row form): all of them plain values for one input, or all of
 * them objects of named inputs. An optional input is in every object or in none.
 * @throws ServingError invalid-argument that names the element at fault.
 */
export function readInstances(
  document: JsonDocument,
  start: number,
  inputs: readonly TensorInfo[],
  elementsOf: ElementsOf,
): NamedTensors {
  const first = skipSpace(document.bytes, start + 1, document.bytes.length);
  if (isNamedObject(document.bytes, first)) return readObjects(document, first, inputs, elementsOf);
  const input = plainInput(inputs);
  if (input === undefined) {
    throw invalid(
      "instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map",
    );
  }
  const tensors = new Map<string, Tensor>();
  tensors.set(input.alias, readPlain(document, start, first, elementsOf(input)));
  return tensors;
}

/** Whether there is an object at `at` that is no base64 object. */
export function isNamedObject(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x7b && base64Text(bytes, at) === undefined;
}

/** The start of the next element after one that ends at `at`, or -1 at the end of the list. */
export function nextElement(bytes: Uint8Array, at: number): number {
  at = skipSpace(bytes, at, bytes.length);
  return bytes[at] === 0x2c ? skipSpace(bytes, at + 1, bytes.length) : -1;
}

function readPlain(document: JsonDocument, start: number, first: number, elements: ElementReader): Tensor {
  const { bytes } = document;
  const stacked = new StackedInput(elements);
  // An array that the scan could not read as numbers of any type holds none of this.
  const block = document.blocks.has(start) ? blockAt(document, start, elements) : undefined;
  if (block !== undefined) {
    elements.readBlock(block);
    return elements.finish(block.shape);
  }
  for (let at = first; at >= 0; ) {
    const item = stacked.instances;
    if (isNamedObject(bytes, at)) throw invalid(`Expecting value/list but got object at item ${item} of input list`);
    try {
      at = stacked.read(document, at);
    } catch (error) {
      throw elementError(error, `element: ${item} of`);
    }
    at = nextElement(bytes, at);
  }
  return stacked.finish();
}

function readObjects(document: JsonDocument, first: number, inputs: readonly TensorInfo[], elementsOf: ElementsOf): NamedTensors {
  const { bytes } = document;
  const names = new InputNames(inputs);
  const stacks = inputs.map((input) => new StackedInput(elementsOf(input)));
  let expected: readonly boolean[] = [];
  let item = 0;
  for (let at = first; at >= 0; item++) {
    if (!isNamedObject(bytes, at)) throw invalid(`Expecting object but got list at item ${item} of input list`);
    const end = readObject(document, at, item, names, stacks);
    if (item === 0) expected = inputs.map((input, i) => input.optional !== true || stacks[i].instances > 0);
    for (let i = 0; i < inputs.length; i++) {
      if (stacks[i].instances === (expected[i] ? item + 1 : 0)) continue;
      const keys = inputs.filter((_, index) => expected[index]).map(({ alias }) => alias);
      keys.sort();
      throw invalid(
        `Failed to process element: ${item} of 'instances' list. JSON object: ${printValue(bytes, at, end)} keys must be equal to: ${keys.join(",")}`,
      );
    }
    at = nextElement(bytes, end);
  }
  const tensors = new Map<string, Tensor>();
  for (let i = 0; i < inputs.length; i++) if (expected[i]) tensors.set(inputs[i].alias, stacks[i].finish());
  return tensors;
}

function readObject(document: JsonDocument, start: number, item: number, names: InputNames, stacks: StackedInput[]): number {
  const { bytes } = document;
  let at = skipSpace(bytes, start + 1, bytes.length);
  while (bytes[at] === 0x22) {
    const nameStart = at;
    const nameStop = stringEnd(bytes, at);
    const index = names.find(bytes, nameStart, nameStop);
    at = scanColon(bytes, nameStop, bytes.length);
    try {
      if (index < 0) {
        throw invalid(`JSON object: does not have named input: ${decodeString(bytes, nameStart, nameStop)}`);
      }
      if (stacks[index].instances > item) throw invalid("the key is given twice");
      at = stacks[index].read(document, at);
    } catch (error) {
      throw elementError(error, `element: ${item} key: ${decodeString(bytes, nameStart, nameStop)} of`);
    }
    at = skipSpace(bytes, at, bytes.length);
    if (bytes[at] === 0x2c) at = skipSpace(bytes, at + 1, bytes.length);
  }
  return at + 1;
}

/** The row form turns every fault of an element, an unimplemented type too, into invalid-argument. */
export function elementError(reason: unknown, where: string, list = "instances"): ServingError {
  const error = ServingError.from(reason);
  if (error.code === "internal") return error;
  return invalid(`Failed to process ${where} '${list}' list. Error: ${statusName(error.code)}: ${error.message}`);
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
