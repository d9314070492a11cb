import type { TensorInfo } from "../../tensor/signature.ts";
import { decodeString, stringEquals } from "./text.ts";

/** Signatures of more inputs than this are searched through a map. */
const FEW = 12;

/** Finds inputs by the names that requests give them. Names come in the same order in every object, as a rule. */
export class InputNames {
  private readonly inputs: readonly TensorInfo[];
  private indexes: Map<string, number> | undefined;
  private next = 0;

  constructor(inputs: readonly TensorInfo[]) {
    this.inputs = inputs;
  }

  /** The index of the input whose alias is the scanned string with quotes at `start` and `end - 1`, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const { inputs } = this;
    let index = this.next < inputs.length ? this.next : 0;
    if (index >= inputs.length || !stringEquals(bytes, start, end, inputs[index].alias)) index = this.search(bytes, start, end);
    if (index >= 0) this.next = index + 1;
    return index;
  }

  private search(bytes: Uint8Array, start: number, end: number): number {
    if (this.inputs.length <= FEW) {
      for (let i = 0; i < this.inputs.length; i++) if (stringEquals(bytes, start, end, this.inputs[i].alias)) return i;
      return -1;
    }
    this.indexes ??= new Map(this.inputs.map(({ alias }, index) => [alias, index]));
    return this.indexes.get(decodeString(bytes, start, end)) ?? -1;
  }
}
