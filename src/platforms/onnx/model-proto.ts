import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { FileWindow } from "../file-window.ts";

/** Messages of onnx.proto in which a tensor can be, and the entries of its external data. */
type Message =
  | "ModelProto"
  | "TrainingInfoProto"
  | "FunctionProto"
  | "GraphProto"
  | "NodeProto"
  | "AttributeProto"
  | "SparseTensorProto"
  | "TensorProto"
  | "StringStringEntryProto";

interface Field {
  readonly message: Message;
  /** True when a second one would be merged into the first. */
  readonly single?: true;
}

/** Fields that lead to tensors, by message and field number; everything else is skipped unread. */
const FIELDS: Readonly<Record<Message, Readonly<Record<number, Field>>>> = {
  ModelProto: {
    7: { message: "GraphProto", single: true },
    20: { message: "TrainingInfoProto" },
    25: { message: "FunctionProto" },
  },
  TrainingInfoProto: { 1: { message: "GraphProto", single: true }, 2: { message: "GraphProto", single: true } },
  FunctionProto: { 7: { message: "NodeProto" }, 11: { message: "AttributeProto" } },
  GraphProto: { 1: { message: "NodeProto" }, 5: { message: "TensorProto" }, 15: { message: "SparseTensorProto" } },
  NodeProto: { 5: { message: "AttributeProto" } },
  AttributeProto: {
    5: { message: "TensorProto", single: true },
    6: { message: "GraphProto", single: true },
    10: { message: "TensorProto" },
    11: { message: "GraphProto" },
    22: { message: "SparseTensorProto", single: true },
    23: { message: "SparseTensorProto" },
  },
  SparseTensorProto: { 1: { message: "TensorProto", single: true }, 2: { message: "TensorProto", single: true } },
  TensorProto: { 13: { message: "StringStringEntryProto" } },
  StringStringEntryProto: {},
};

const MODEL_GRAPH = 7;
const NODE_OPERATOR = 4;
const TENSOR_DATA_LOCATION = 14;
const EXTERNAL = 1;
const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;

/** protobuf's own default. */
const DEEPEST = 100;
/** Longest key or value of an external data entry, in bytes. */
const LONGEST_TEXT = 4096;
/** Longest name of an operator that anybody asks about. */
const LONGEST_OPERATOR = 64;
/** Most bytes a field's tag and length take. */
const HEADER_BYTES = 16;

/** Where a tensor keeps its data, as the model says it, unchecked. */
export interface ExternalData {
  readonly location: string;
  readonly offset: string | undefined;
  readonly length: string | undefined;
}

/** A message that is being read. */
interface Frame {
  readonly message: Message;
  readonly end: number;
  /** Single fields that were there already. */
  readonly seen: number[];
  /** External data entries of a tensor. */
  readonly entries: Map<string, string>;
  external: boolean;
  key: string;
  value: string;
}

/**
 * Finds every tensor of a serialized ModelProto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) whose data lies in
 * another file, in subgraphs and functions too, and calls `found` for each; `operator` is called with what each node does. Reads
 * headers only, never weights; memory does not grow with the file.
 *
 * @throws ServingError data-loss when the bytes are not a whole protobuf message, invalid-argument when they are not a
 * model or built to mislead a reader; both name `file` and the byte. The signal's reason once it aborts.
 */
export async function scanModelProto(
  window: FileWindow,
  file: string,
  found: (data: ExternalData) => void,
  signal: AbortSignal,
  operator?: (name: string) => void,
): Promise<void> {
  const fault = (code: "data-loss" | "invalid-argument", what: string, position: number): ServingError =>
    new ServingError(code, `${file} is not a sound ONNX model: ${what} at byte ${position}`);
  if (window.size === 0) throw new ServingError("data-loss", `${file} is empty`);

  const root = newFrame("ModelProto", window.size);
  const frames: Frame[] = [root];
  let position = 0;

  /** Reads the varint at `position`, which may not reach over `end`. Numbers above 2^53 lose their low bits. */
  const varint = (end: number, most: number): number => {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < most; i++) {
      if (position >= end) throw fault("data-loss", "it ends inside a number", position);
      const byte = window.at(position++);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw fault("data-loss", "a number is too long", position);
  };

  /** The position after `bytes` more, which may not reach over `end`. */
  const skip = (bytes: number, end: number): number => {
    if (position + bytes <= end) return position + bytes;
    throw fault("data-loss", `a part of ${bytes} bytes ends outside the one it is in`, position);
  };

  while (frames.length > 0) {
    const frame = frames[frames.length - 1];
    if (position === frame.end) {
      frames.pop();
      close(frame, frames.at(-1), found);
      continue;
    }
    if (!window.holds(position, HEADER_BYTES)) {
      throwIfAborted(signal);
      await window.move(position);
    }
    const start = position;
    const tag = varint(frame.end, 5);
    const number = Math.floor(tag / 8);
    if (number === 0) throw fault("data-loss", "there is a field numbered 0", start);
    switch (tag % 8) {
      case 0: {
        const value = varint(frame.end, 10);
        if (frame.message === "TensorProto" && number === TENSOR_DATA_LOCATION) {
          // Readers differ on other numbers, and may keep an earlier one.
          if (value > EXTERNAL) throw fault("invalid-argument", "the place of a tensor's data is unknown", start);
          frame.external = value === EXTERNAL;
        }
        break;
      }
      case 1:
        position = skip(8, frame.end);
        break;
      case 5:
        position = skip(4, frame.end);
        break;
      case 2: {
        const end = skip(varint(frame.end, 5), frame.end);
        const field = FIELDS[frame.message][number];
        if (field !== undefined) {
          if (field.single) {
            if (frame.seen.includes(number)) throw fault("invalid-argument", "a part is there twice", start);
            frame.seen.push(number);
          }
          if (frames.length === DEEPEST) throw fault("invalid-argument", `parts lie more than ${DEEPEST} deep`, start);
          frames.push(newFrame(field.message, end));
          break;
        }
        if (frame.message === "StringStringEntryProto" && (number === ENTRY_KEY || number === ENTRY_VALUE)) {
          if (end - position > LONGEST_TEXT) throw fault("invalid-argument", "a file name is too long", start);
          if (!window.holds(position, end - position)) await window.move(position);
          const text = Buffer.from(window.slice(position, end)).toString("utf8");
          if (number === ENTRY_KEY) frame.key = text;
          else frame.value = text;
        }
        if (frame.message === "NodeProto" && number === NODE_OPERATOR && operator && end - position <= LONGEST_OPERATOR) {
          if (!window.holds(position, end - position)) await window.move(position);
          operator(Buffer.from(window.slice(position, end)).toString("utf8"));
        }
        position = end;
        break;
      }
      default:
        throw fault("data-loss", "there is a field of an unknown kind", start);
    }
  }
  if (!root.seen.includes(MODEL_GRAPH))
    throw new ServingError("invalid-argument", `${file} is not an ONNX model: it holds no graph`);
}

function newFrame(message: Message, end: number): Frame {
  return { message, end, seen: [], entries: new Map(), external: false, key: "", value: "" };
}

/** What a message's end means to the one it is in, and to the caller. */
function close(frame: Frame, parent: Frame | undefined, found: (data: ExternalData) => void): void {
  if (frame.message === "StringStringEntryProto") parent?.entries.set(frame.key, frame.value);
  if (frame.message !== "TensorProto" || !frame.external) return;
  const { entries } = frame;
  found({ location: entries.get("location") ?? "", offset: entries.get("offset"), length: entries.get("length") });
}
