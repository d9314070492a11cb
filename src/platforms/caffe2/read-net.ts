import { ServingError } from "../../base/serving-error.ts";
import { ProtobufReader } from "../../codec/protobuf/reader.ts";
import type { Argument, Net, Operator } from "./net-def.ts";
import { FloatList, IntegerList } from "./number-lists.ts";
import { Turns } from "./turns.ts";

/** Tags of caffe2.proto: `number << 3 | wire type`. */
const NET = { op: 0x12, externalInput: 0x3a, externalOutput: 0x42 } as const;
const OPERATOR = { input: 0x0a, output: 0x12, name: 0x1a, type: 0x22, arg: 0x2a } as const;
const ARGUMENT = {
  name: 0x0a,
  float: 0x15,
  integer: 0x18,
  text: 0x22,
  float1: 0x2d,
  floats: 0x2a,
  integer1: 0x30,
  integers: 0x32,
  text1: 0x3a,
  net: 0x42,
  nets: 0x4a,
  tensors: 0x52,
} as const;

/** Bytes of one float of a repeated field that is not packed, its tag included. */
const FLOAT_BYTES = 5;

/**
 * Reads a serialized `caffe2.NetDef`. Lists of numbers become typed arrays at once, packed or not; others get a turn every few
 * milliseconds. Nothing of `bytes` is kept.
 * @param file what errors call the file
 * @throws ServingError data-loss, naming the file, for bytes that are no NetDef; the signal's reason once it aborts
 */
export async function readNet(bytes: Uint8Array, file: string, signal: AbortSignal): Promise<Net> {
  try {
    return await new NetReader(bytes, signal).net(file);
  } catch (reason) {
    if (!(reason instanceof ServingError) || signal.aborted) throw reason;
    throw new ServingError("data-loss", `${file} is no net of Caffe2's: ${reason.message}`, { cause: reason });
  }
}

class NetReader {
  readonly #reader: ProtobufReader;
  readonly #view: DataView;
  readonly #turns: Turns;

  constructor(bytes: Uint8Array, signal: AbortSignal) {
    // What is cut out of a Buffer would still be a part of it.
    this.#reader = new ProtobufReader(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#turns = new Turns(signal);
  }

  async net(file: string): Promise<Net> {
    const reader = this.#reader;
    const operators: Operator[] = [];
    const externalInputs: string[] = [];
    const externalOutputs: string[] = [];
    for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
      if (tag === NET.op) operators.push(await this.#operator());
      else if (tag === NET.externalInput) externalInputs.push(reader.readString());
      else if (tag === NET.externalOutput) externalOutputs.push(reader.readString());
      else reader.skip(tag);
    }
    return { file, operators, externalInputs, externalOutputs };
  }

  async #operator(): Promise<Operator> {
    const reader = this.#reader;
    const start = reader.position;
    const outer = reader.enter();
    let [type, name] = ["", ""];
    const inputs: string[] = [];
    const outputs: string[] = [];
    const args = new Map<string, Argument>();
    for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
      if (tag === OPERATOR.arg) await this.#argument(args);
      else if (tag === OPERATOR.type) type = reader.readString();
      else if (tag === OPERATOR.name) name = reader.readString();
      else if (tag === OPERATOR.input) inputs.push(reader.readString());
      else if (tag === OPERATOR.output) outputs.push(reader.readString());
      else reader.skip(tag);
    }
    reader.leave(outer);
    if (this.#turns.spend(Math.min(reader.position - start, 1024))) await this.#turns.take();
    return { type, name, inputs, outputs, args };
  }

  async #argument(args: Map<string, Argument>): Promise<void> {
    const reader = this.#reader;
    const outer = reader.enter();
    let name = "";
    let [float, integer, text]: [number?, bigint?, Uint8Array?] = [];
    let [floats, integers, texts]: [FloatList?, IntegerList?, Uint8Array[]?] = [];
    let nested = false;
    for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
      switch (tag) {
        case ARGUMENT.name:
          name = reader.readString();
          break;
        case ARGUMENT.float:
          float = reader.readFloat();
          break;
        case ARGUMENT.integer:
          integer = reader.readInt64();
          break;
        case ARGUMENT.text:
          text = reader.readBytes().slice();
          break;
        case ARGUMENT.float1:
          floats ??= new FloatList();
          await this.#floatRun(floats);
          break;
        case ARGUMENT.floats:
          floats ??= new FloatList();
          this.#packedFloats(floats);
          break;
        case ARGUMENT.integer1:
          integers ??= new IntegerList();
          reader.readVarint64();
          integers.push(reader.low, reader.high);
          // Each of them is some ten times the work of a float in a run.
          if (this.#turns.spend(50)) await this.#turns.take();
          break;
        case ARGUMENT.integers:
          integers ??= new IntegerList();
          await this.#packedIntegers(integers);
          break;
        case ARGUMENT.text1:
          texts ??= [];
          texts.push(reader.readBytes().slice());
          break;
        case ARGUMENT.net:
        case ARGUMENT.nets:
        case ARGUMENT.tensors:
          nested = true;
          reader.skip(tag);
          break;
        default:
          reader.skip(tag);
      }
    }
    reader.leave(outer);
    if (args.has(name)) throw new ServingError("data-loss", `an operator has the argument ${JSON.stringify(name)} twice`);
    args.set(name, {
      ...(float !== undefined && { float }),
      ...(integer !== undefined && { integer }),
      ...(text !== undefined && { text }),
      ...(floats !== undefined && { floats: floats.finish() }),
      ...(integers !== undefined && { integers: integers.finish() }),
      ...(texts !== undefined && { texts }),
      ...(nested && { nested }),
    });
  }

  /** Floats that are not packed, the first of whose tags was just read, as long as they follow each other. */
  async #floatRun(floats: FloatList): Promise<void> {
    const reader = this.#reader;
    const { bytes, end } = reader;
    const first = reader.position;
    if (end - first < 4) reader.readFloat(); // cut off
    const most = Math.floor((end - first - 4) / FLOAT_BYTES) + 1;
    const step = Math.floor(this.#turns.most / FLOAT_BYTES);
    let count = 1;
    while (count < most && bytes[first - 1 + count * FLOAT_BYTES] === ARGUMENT.float1) {
      const until = Math.min(most, count + step);
      const from = count;
      while (count < until && bytes[first - 1 + count * FLOAT_BYTES] === ARGUMENT.float1) count++;
      if (this.#turns.spend((count - from) * FLOAT_BYTES)) await this.#turns.take();
    }
    const start = floats.grow(count);
    for (let done = 0; done < count; done += step) {
      const part = Math.min(step, count - done);
      copyFloats(this.#view, first + done * FLOAT_BYTES, floats.items, start + done, part);
      if (this.#turns.spend(part * FLOAT_BYTES)) await this.#turns.take();
    }
    reader.position = first + (count - 1) * FLOAT_BYTES + 4;
  }

  /** As they lie: little-endian. */
  #packedFloats(floats: FloatList): void {
    const bytes = this.#reader.readBytes();
    if (bytes.length % 4 !== 0) throw new ServingError("data-loss", "packed floats are cut off");
    const start = floats.grow(bytes.length / 4);
    new Uint8Array(floats.items.buffer).set(bytes, start * 4);
  }

  async #packedIntegers(integers: IntegerList): Promise<void> {
    const reader = this.#reader;
    const outer = reader.enter();
    while (reader.position < reader.end) {
      reader.readVarint64();
      integers.push(reader.low, reader.high);
      if (this.#turns.spend(50)) await this.#turns.take();
    }
    reader.leave(outer);
  }
}

/** As bits, so that signalling NaNs stay what they are. */
function copyFloats(view: DataView, position: number, floats: Float32Array, start: number, count: number): void {
  const bits = new Int32Array(floats.buffer, floats.byteOffset + start * 4, count);
  for (let i = 0; i < count; i++) bits[i] = view.getInt32(position + i * FLOAT_BYTES, true);
}
