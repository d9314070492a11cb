import type { Pointer } from "../native-calls.ts";
import { NativeMemory, pieceSize } from "../native-memory.ts";
import type { OnnxLibrary } from "./library.ts";
import { type ModelValues, outputTensors } from "./model-values.ts";

/** Where an output alias comes from: which output of the session, and which of the tensors it becomes. */
export interface OutputPart {
  readonly output: number;
  readonly part: number;
}

/** A session as one thread runs it: the pointers it needs for every plan. */
export class AttachedSession {
  readonly library: OnnxLibrary;
  readonly session: Pointer;
  readonly values: ModelValues;
  /** Addresses of the names as C strings, in order. */
  readonly inputNames: readonly Pointer[];
  readonly outputNames: readonly Pointer[];
  readonly parts: ReadonlyMap<string, OutputPart>;
  /** Holds the names. */
  readonly memory: NativeMemory;

  constructor(library: OnnxLibrary, session: Pointer, values: ModelValues) {
    this.library = library;
    this.session = session;
    this.values = values;
    const encoder = new TextEncoder();
    const encode = ({ name }: { readonly name: string }): Uint8Array => encoder.encode(`${name}\0`);
    const [inputs, outputs] = [values.inputs.map(encode), values.outputs.map(encode)];
    const memory = new NativeMemory([...inputs, ...outputs].reduce((sum, { length }) => sum + pieceSize(length), 0));
    const place = (text: Uint8Array): Pointer => {
      const { offset, address } = memory.take(text.length);
      new Uint8Array(memory.buffer, offset, text.length).set(text);
      return address;
    };
    this.inputNames = inputs.map(place);
    this.outputNames = outputs.map(place);
    this.memory = memory;
    this.parts = new Map(
      values.outputs.flatMap((value, output) => outputTensors(value).map(({ alias }, part) => [alias, { output, part }])),
    );
  }
}
