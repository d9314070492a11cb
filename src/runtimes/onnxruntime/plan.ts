import { ServingError } from "../../base/serving-error.ts";
import { ARRAY_TYPES, type NumericArray } from "../../tensor/dtype.ts";
import { elementCount, type Shape, sameShape } from "../../tensor/shape.ts";
import type { NamedTensors, Tensor } from "../../tensor/tensor.ts";
import type { Pointer } from "../native-calls.ts";
import { NativeMemory, pieceSize } from "../native-memory.ts";
import type { AttachedSession } from "./attached-session.ts";
import { readOutput } from "./composite-values.ts";
import { elementTypeOf } from "./element-type.ts";
import { checkShape, expectedShape, type GivenInputs, type NamedSizes, namedSizes } from "./input-shapes.ts";
import type { TensorType } from "./model-values.ts";
import { expectSuccess, type Failure } from "./status.ts";
import { writeStrings } from "./string-values.ts";

/** An input the plan passes; `data` is the plan's own memory, absent for strings. */
interface PlannedInput {
  readonly index: number;
  readonly shape: Shape;
  readonly value: Pointer;
  readonly items: number;
  readonly data: NumericArray | undefined;
}

/** An output the plan asks for. */
interface PlannedOutput {
  /** Its place among the session's outputs. */
  readonly index: number;
  bound: BoundOutput | undefined;
}

/** An output that the library writes straight into the plan's memory. */
interface BoundOutput {
  readonly type: TensorType;
  readonly shape: Shape;
  readonly value: Pointer;
  readonly data: NumericArray;
  /** The element made of {@link CANARY_BYTE}. */
  readonly canary: number | bigint;
}

/**
 * How far outputs are bound to the plan's memory.
 * `learning`: the library makes them, and what they turn out to be is compared with what the model declares.
 * `known`: those that were as declared get memory before the next run.
 * `settled`: nothing changes any more, but for a bound output that a run finds to have another shape, or leaves untouched.
 */
type Stage = "learning" | "known" | "settled";

const FEW_VALUES = 16;

/** What fills a bound output's ends before each run: an output that is a graph's own input is never written, say. */
const CANARY_BYTE = 0xa5;

/** Arguments of `OrtApi::Run` after the session and its options. */
export type RunArguments = readonly [
  inputNames: Pointer,
  inputValues: Pointer,
  inputs: number,
  outputNames: Pointer,
  outputs: number,
  outputValues: Pointer,
];

/**
 * Everything prepared for runs with the same inputs present, of the same shapes, and the same outputs wanted, so that a
 * run is a copy in, one native call and a copy out (measured: 4.6 us of call for a graph of one operator). Belongs to one
 * run at a time.
 */
export class Plan {
  readonly arguments: RunArguments;
  /** Milliseconds a run takes, a moving average; `undefined` while nothing is known. */
  milliseconds: number | undefined;
  /** Runs that ended well. */
  runs = 0;
  readonly #session: AttachedSession;
  readonly #wanted: readonly string[];
  readonly #inputs: readonly (PlannedInput | undefined)[];
  readonly #outputs: readonly PlannedOutput[];
  readonly #answers: readonly { readonly alias: string; readonly slot: number; readonly part: number }[];
  readonly #inputMemory: NativeMemory;
  readonly #outputValues: BigUint64Array;
  readonly #sizes: NamedSizes;
  #candidates: readonly { readonly output: PlannedOutput; readonly type: TensorType; readonly shape: Shape }[] = [];
  #outputMemory: NativeMemory | undefined;
  #outputBytes = 0;
  #stringBytes = 0;
  #stage: Stage = "learning";

  /** @throws ServingError invalid-argument for shapes that the model does not take or the data does not fill. */
  constructor(session: AttachedSession, given: GivenInputs, wanted: readonly string[]) {
    this.#session = session;
    this.#wanted = [...wanted];
    const { inputs, fragile } = session.values;
    const present = inputs.flatMap((_, index) => (given[index] === undefined ? [] : [index]));
    let bytes = 0;
    for (const index of present) {
      const { shape, dtype } = given[index]!;
      checkShape(inputs[index], shape);
      const count = elementCount(shape);
      if (count === 0 && fragile !== undefined) {
        throw new ServingError(
          "invalid-argument",
          `input "${inputs[index].name}" has no elements (shape [${shape.join(",")}]); a model with ${fragile} needs at least one of each`,
        );
      }
      if (dtype !== "string") bytes += pieceSize(count * ARRAY_TYPES[dtype].bytes);
    }
    const slots: number[] = [];
    this.#answers = this.#wanted.map((alias) => {
      const found = session.parts.get(alias);
      if (found === undefined) throw new ServingError("invalid-argument", `there is no output "${alias}"`);
      if (!slots.includes(found.output)) slots.push(found.output);
      return { alias, slot: slots.indexOf(found.output), part: found.part };
    });
    this.#outputs = slots.map((index) => ({ index, bound: undefined }));
    this.#sizes = namedSizes(inputs, given);

    const tables = 2 * pieceSize(present.length * 8) + 2 * pieceSize(slots.length * 8);
    this.#inputMemory = new NativeMemory(bytes + tables);
    const inputNames = this.#inputMemory.takeWords(present.length);
    const inputValues = this.#inputMemory.takeWords(present.length);
    const outputNames = this.#inputMemory.takeWords(slots.length);
    const outputValues = this.#inputMemory.takeWords(slots.length);
    this.#outputValues = outputValues.words;
    slots.forEach((index, slot) => {
      outputNames.words[slot] = session.outputNames[index];
    });
    const planned: (PlannedInput | undefined)[] = inputs.map(() => undefined);
    this.#inputs = planned;
    try {
      present.forEach((index, slot) => {
        const input = this.#planInput(index, given[index]!);
        planned[index] = input;
        inputNames.words[slot] = session.inputNames[index];
        inputValues.words[slot] = input.value;
      });
    } catch (reason) {
      this.release();
      throw reason;
    }
    this.arguments = [
      inputNames.address,
      inputValues.address,
      present.length,
      outputNames.address,
      slots.length,
      outputValues.address,
    ];
  }

  /** Bytes of memory the plan keeps. */
  get bytes(): number {
    return this.#inputMemory.buffer.byteLength + this.#outputBytes + this.#stringBytes;
  }

  /** Whether the plan is for these inputs' shapes and these outputs. */
  matches(given: GivenInputs, wanted: readonly string[]): boolean {
    const inputs = this.#inputs;
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i];
      const tensor = given[i];
      if (input === undefined || tensor === undefined) {
        if (input !== tensor) return false;
      } else if (!sameShape(input.shape, tensor.shape)) return false;
    }
    const own = this.#wanted;
    if (own.length !== wanted.length) return false;
    for (let i = 0; i < own.length; i++) if (own[i] !== wanted[i]) return false;
    return true;
  }

  /** Copies the inputs in. @throws ServingError invalid-argument when an input's data does not fill its shape. */
  fill(given: GivenInputs): void {
    let strings = 0;
    for (const input of this.#inputs) {
      if (input === undefined) continue;
      const tensor = given[input.index]!;
      if (tensor.data.length !== input.items) {
        const { name } = this.#session.values.inputs[input.index];
        throw new ServingError(
          "invalid-argument",
          `input "${name}" of shape [${input.shape.join(",")}] needs ${input.items} values, got ${tensor.data.length}`,
        );
      }
      if (tensor.dtype === "string") {
        writeStrings(this.#session.library, input.value, tensor.data);
        strings += tensor.data.bytes.length;
      } else input.data!.set(tensor.data as never);
    }
    this.#stringBytes = strings;
  }

  /** Called before each run: binds outputs once it is known which can be. */
  prepare(): void {
    if (this.#stage === "known") this.#bind();
    for (const { bound } of this.#outputs) {
      if (bound === undefined) continue;
      bound.data[0] = bound.canary as never;
      bound.data[bound.data.length - 1] = bound.canary as never;
    }
  }

  /** Called after a run that went well. False when the outputs cannot be trusted and the run must be done again. */
  accept(): boolean {
    let good = true;
    for (const output of this.#outputs) {
      const { bound } = output;
      if (bound === undefined || bound.data[0] !== bound.canary || bound.data[bound.data.length - 1] !== bound.canary) continue;
      this.#unbind(output);
      good = false;
    }
    if (!good) this.#releaseFetched();
    return good;
  }

  /** Called after a run that failed. True when the reason was a bound output, which is free now: run again. */
  recover({ message }: Failure): boolean {
    const bound = this.#outputs.filter((output) => output.bound !== undefined);
    const wrongShape = /shape verification failed|Requested shape|Expected shape from model|pre-?allocated/i.test(message);
    if (bound.length === 0 || !wrongShape) return false;
    for (const output of bound) this.#unbind(output);
    return true;
  }

  /** Copies the outputs out, in the order they are wanted. */
  collect(): NamedTensors {
    const answer = new Map<string, Tensor>();
    const outputs = this.#outputs;
    const answers = this.#answers;
    let open: (readonly Tensor[] | undefined)[] | undefined;
    for (let i = 0; i < answers.length; i++) {
      const { alias, slot, part } = answers[i];
      const { bound } = outputs[slot];
      if (bound !== undefined) {
        answer.set(alias, { dtype: bound.type.dtype, shape: bound.shape, data: copyOf(bound.data) } as Tensor);
      } else {
        open ??= this.#fetch();
        answer.set(alias, open[slot]![part]);
      }
    }
    return answer;
  }

  /** Drops the outputs of a run that nobody wants any more. */
  discard(): void {
    this.#releaseFetched();
  }

  /** Frees the values. Called once, when no run uses the plan. */
  release(): void {
    const { api } = this.#session.library;
    for (const input of this.#inputs) if (input !== undefined) api.releaseValue(input.value);
    for (const output of this.#outputs) this.#unbind(output);
  }

  #planInput(index: number, { dtype, shape }: Tensor): PlannedInput {
    const count = elementCount(shape);
    if (dtype === "string") {
      const { api, allocator, result } = this.#session.library;
      const sizes = nativeShape(shape);
      expectSuccess(api, api.createTensor(allocator, sizes, shape.length, elementTypeOf(dtype), result));
      return { index, shape, value: result[0], items: count, data: undefined };
    }
    const { array, width, bytes } = ARRAY_TYPES[dtype];
    const { offset, address } = this.#inputMemory.take(count * bytes);
    const data = new array(this.#inputMemory.buffer, offset, count * width);
    return { index, shape, value: this.#wrap(address, count * bytes, shape, elementTypeOf(dtype)), items: data.length, data };
  }

  /** An `OrtValue` over memory of the plan's. */
  #wrap(address: Pointer, bytes: number, shape: Shape, elementType: number): Pointer {
    const { api, cpuMemory, result } = this.#session.library;
    const sizes = nativeShape(shape);
    expectSuccess(api, api.createTensorWithData(cpuMemory, address, bytes, sizes, shape.length, elementType, result));
    return result[0];
  }

  #bind(): void {
    const sizes = this.#candidates.map(({ type, shape }) => elementCount(shape) * bytesOf(type));
    this.#outputMemory = new NativeMemory(sizes.reduce((sum, bytes) => sum + pieceSize(bytes), 0));
    this.#outputBytes = this.#outputMemory.buffer.byteLength;
    this.#candidates.forEach(({ output, type, shape }, i) => {
      if (type.dtype === "string") return;
      const { array, width } = ARRAY_TYPES[type.dtype];
      const { offset, address } = this.#outputMemory!.take(sizes[i]);
      const data = new array(this.#outputMemory!.buffer, offset, elementCount(shape) * width);
      new Uint8Array(data.buffer, offset, data.BYTES_PER_ELEMENT).fill(CANARY_BYTE);
      const canary = data[0];
      output.bound = { type, shape, data, canary, value: this.#wrap(address, sizes[i], shape, elementTypeOf(type.dtype)) };
      this.#outputValues[this.#outputs.indexOf(output)] = output.bound.value;
    });
    this.#candidates = [];
    this.#stage = "settled";
  }

  #unbind(output: PlannedOutput): void {
    if (output.bound === undefined) return;
    this.#session.library.api.releaseValue(output.bound.value);
    this.#outputValues[this.#outputs.indexOf(output)] = 0n;
    output.bound = undefined;
  }

  /** Reads and frees what the library made, by slot. */
  #fetch(): (readonly Tensor[] | undefined)[] {
    const { library, values } = this.#session;
    try {
      const fetched = this.#outputs.map(({ index, bound }, slot) =>
        bound === undefined ? readOutput(library, values.outputs[index], this.#outputValues[slot]) : undefined,
      );
      if (this.#stage === "learning") this.#learn(fetched);
      return fetched;
    } finally {
      this.#releaseFetched();
    }
  }

  #learn(fetched: readonly (readonly Tensor[] | undefined)[]): void {
    this.#candidates = this.#outputs.flatMap((output, slot) => {
      const { type } = this.#session.values.outputs[output.index];
      if (type.kind !== "tensor" || type.dtype === "string") return [];
      const shape = expectedShape(type, this.#sizes);
      const tensor = fetched[slot]?.[0];
      const asDeclared = shape !== undefined && tensor?.dtype === type.dtype && sameShape(shape, tensor.shape);
      return asDeclared && elementCount(shape) > 0 ? [{ output, type, shape }] : [];
    });
    this.#stage = this.#candidates.length > 0 ? "known" : "settled";
  }

  #releaseFetched(): void {
    const { api } = this.#session.library;
    this.#outputs.forEach(({ bound }, slot) => {
      if (bound !== undefined || this.#outputValues[slot] === 0n) return;
      api.releaseValue(this.#outputValues[slot]);
      this.#outputValues[slot] = 0n;
    });
  }
}

/** A shape as the C API takes it; an array for a scalar too, because the pointer must be good. */
function nativeShape(shape: Shape): BigInt64Array {
  const sizes = new BigInt64Array(new ArrayBuffer(Math.max(1, shape.length) * 8));
  for (let axis = 0; axis < shape.length; axis++) sizes[axis] = BigInt(shape[axis]);
  return sizes;
}

function bytesOf({ dtype }: TensorType): number {
  return dtype === "string" ? 0 : ARRAY_TYPES[dtype].bytes;
}

/** A copy of its own; of a few values by hand, which costs less than the call. */
function copyOf(data: NumericArray): NumericArray {
  if (data.length > FEW_VALUES) return data.slice();
  const copy = new (data.constructor as new (length: number) => NumericArray)(data.length);
  for (let i = 0; i < data.length; i++) copy[i] = data[i] as never;
  return copy;
}
