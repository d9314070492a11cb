import { ServingError } from "../../base/serving-error.ts";
import { ownInputs } from "../../tensor/own-inputs.ts";
import type { TensorInfo } from "../../tensor/signature.ts";
import type { NamedTensors } from "../../tensor/tensor.ts";
import type { JsonDocument } from "./document.ts";
import type { ElementsOf } from "./element-reader.ts";
import { InputNames } from "./input-names.ts";
import { elementError, isNamedObject, nextElement } from "./instances.ts";
import { lacking, listedNames, MissingValues, rowShape, withMissing } from "./missing-inputs.ts";
import { scanColon, skipSpace } from "./scan.ts";
import { StackedInput } from "./stacked-input.ts";
import { decodeString, stringEnd } from "./text.ts";

/** Whether the element of a list at `at` is a row of a rowwise signature: an object of its inputs, or the list of several inputs' values. */
export function isRow(bytes: Uint8Array, at: number, inputs: readonly TensorInfo[]): boolean {
  return isNamedObject(bytes, at) || (bytes[at] === 0x5b && hasSeveral(inputs));
}

function hasSeveral(inputs: readonly TensorInfo[]): boolean {
  let own = 0;
  for (let i = 0; i < inputs.length && own < 2; i++) if (inputs[i].columnOf === undefined) own++;
  return own > 1;
}

/**
 * Stacks the elements of a list of rows of a rowwise signature, the first of which is at `first`: objects, of inputs by name or of a
 * matrix's columns, or lists of the inputs' values in their order. What an object lacks is missing in its row.
 * @param list what the list is called in errors
 * @throws ServingError invalid-argument that names the element at fault.
 */
export function readRows(
  document: JsonDocument,
  first: number,
  inputs: readonly TensorInfo[],
  elementsOf: ElementsOf,
  list = "instances",
): NamedTensors {
  const rows = new RowReader(document, inputs, elementsOf, list);
  const named = isNamedObject(document.bytes, first);
  for (let at = first; at >= 0; ) at = nextElement(document.bytes, named ? rows.readObject(at) : rows.readList(at));
  return rows.finish();
}

/** Reads rows one after the other. */
class RowReader {
  private readonly document: JsonDocument;
  private readonly inputs: readonly TensorInfo[];
  private readonly own: readonly TensorInfo[];
  /** The places of {@link own} among all inputs. */
  private readonly ownIndexes: readonly number[];
  private readonly elementsOf: ElementsOf;
  private readonly list: string;
  private readonly names: InputNames;
  /** By the index of the input; those that no row has had yet are undefined. */
  private readonly stacks: (StackedInput | undefined)[];
  /** Indexes of those that are defined. */
  private readonly used: number[] = [];
  private readonly missing = new MissingValues();
  private row = 0;

  constructor(document: JsonDocument, inputs: readonly TensorInfo[], elementsOf: ElementsOf, list: string) {
    this.document = document;
    this.inputs = inputs;
    this.own = ownInputs(inputs);
    this.ownIndexes = inputs.flatMap(({ columnOf }, index) => (columnOf === undefined ? [index] : []));
    this.elementsOf = elementsOf;
    this.list = list;
    this.names = new InputNames(inputs);
    this.stacks = inputs.map(() => undefined);
  }

  /** Reads the object at `start` and gives its end. */
  readObject(start: number): number {
    const { bytes } = this.document;
    if (!isNamedObject(bytes, start)) throw invalid(`Expecting object but got list at item ${this.row} of input list`);
    let given = 0;
    let at = skipSpace(bytes, start + 1, bytes.length);
    while (bytes[at] === 0x22) {
      const nameStart = at;
      const nameStop = stringEnd(bytes, at);
      const index = this.names.find(bytes, nameStart, nameStop);
      at = scanColon(bytes, nameStop, bytes.length);
      try {
        if (index < 0) {
          const name = decodeString(bytes, nameStart, nameStop);
          throw invalid(`JSON object: does not have named input: ${name} (inputs: ${listedNames(this.inputs)})`);
        }
        at = this.readValue(index, at);
      } catch (error) {
        throw elementError(error, `element: ${this.row} key: ${decodeString(bytes, nameStart, nameStop)} of`, this.list);
      }
      given++;
      at = skipSpace(bytes, at, bytes.length);
      if (bytes[at] === 0x2c) at = skipSpace(bytes, at + 1, bytes.length);
    }
    if (given < this.used.length) this.fill();
    this.row++;
    return at + 1;
  }

  /** Reads the list at `start` and gives its end. */
  readList(start: number): number {
    const { bytes } = this.document;
    const { own } = this;
    if (isNamedObject(bytes, start)) {
      throw invalid(`Expecting value/list but got object at item ${this.row} of input list`);
    }
    if (bytes[start] !== 0x5b) throw this.error(invalid(`a row is a list of ${own.length} values`));
    let count = 0;
    let at = skipSpace(bytes, start + 1, bytes.length);
    while (bytes[at] !== 0x5d) {
      if (count === own.length) throw this.error(this.wrongCount(`more than ${count}`));
      try {
        at = this.readValue(this.ownIndexes[count], at);
      } catch (error) {
        throw elementError(error, `element: ${this.row} value: ${count} (${own[count].alias}) of`, this.list);
      }
      count++;
      at = skipSpace(bytes, at, bytes.length);
      if (bytes[at] === 0x2c) at = skipSpace(bytes, at + 1, bytes.length);
    }
    if (count < own.length) throw this.error(this.wrongCount(String(count)));
    this.row++;
    return at + 1;
  }

  finish(): NamedTensors {
    const found = this.stacks.map((stack) => stack?.finish());
    return withMissing(this.inputs, found, this.row, this.elementsOf, this.missing);
  }

  private readValue(index: number, start: number): number {
    const info = this.inputs[index];
    const stack = this.stacks[index] ?? this.begin(index);
    if (stack.instances > this.row) throw invalid("the key is given twice");
    if (info.nullable !== true || this.document.bytes[start] !== 0x6e) return stack.read(this.document, start);
    this.addMissing(stack, info);
    return start + "null".length;
  }

  /** A stack for an input that the rows before lacked. */
  private begin(index: number): StackedInput {
    const info = this.inputs[index];
    const stack = new StackedInput(this.elementsOf(info));
    this.stacks[index] = stack;
    this.used.push(index);
    while (stack.instances < this.row) this.addMissing(stack, info);
    return stack;
  }

  /** Makes what this row lacks of the inputs that others have missing. */
  private fill(): void {
    for (const index of this.used) {
      const stack = this.stacks[index]!;
      if (stack.instances > this.row) continue;
      const info = this.inputs[index];
      try {
        this.addMissing(stack, info);
      } catch (error) {
        throw elementError(error, `element: ${this.row} key: ${info.alias} of`, this.list);
      }
    }
  }

  private addMissing(stack: StackedInput, info: TensorInfo): void {
    const shape = rowShape(info);
    if (info.nullable !== true || shape === undefined) throw lacking(info.alias);
    this.missing.take(stack.addMissing(shape));
  }

  private wrongCount(got: string): ServingError {
    return invalid(`a row is a list of ${this.own.length} values (${listedNames(this.own)}), got ${got}`);
  }

  private error(reason: ServingError): ServingError {
    return elementError(reason, `element: ${this.row} of`, this.list);
  }
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
