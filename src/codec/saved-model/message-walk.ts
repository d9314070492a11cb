import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import { FIXED32, FIXED64, LENGTH_DELIMITED, VARINT } from "../protobuf/wire-type.ts";

/** Bytes of which a part is at hand, moved along with the reader. */
export interface ByteWindow {
  readonly size: number;
  /** Whether the bytes at `position` are at hand, `count` of them or as many as there are. */
  holds(position: number, count: number): boolean;
  /** Moves the part to begin at `position`. */
  move(position: number): Promise<void>;
  /** The byte at a position that is at hand. */
  at(position: number): number;
  /** A copy of bytes that are at hand. */
  slice(start: number, end: number): Uint8Array;
  /** A copy of any bytes, however many; what is at hand stays. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** What is looked for in a message. A field that is not named, or has another wire type, is skipped unread. */
export interface MessagePlan {
  /** Called before the first field of each message of this kind. */
  readonly begin?: () => void;
  /** Called behind the last field of each. */
  readonly end?: () => void;
  /** Sub-messages to step into, by field number. One that comes twice is stepped into twice, which is how messages merge. */
  readonly enter?: Readonly<Record<number, MessagePlan>>;
  /** Takers of length-delimited fields, by field number. */
  readonly take?: Readonly<Record<number, (bytes: Uint8Array) => void>>;
  /** Takers of varints, by field number; above 2^53 the low bits are lost. */
  readonly number?: Readonly<Record<number, (value: number) => void>>;
}

/** Most bytes a field's tag and length take. */
const HEADER_BYTES = 16;

const LARGEST_TAG = 0xffffffff;
/** Most bytes that are handed to a taker. */
const MOST_TAKEN = 64 * 1024 * 1024;

interface Frame {
  readonly plan: MessagePlan;
  readonly end: number;
}

/** Makes the error for a message that cannot be read; `position` is the byte. */
export type Fault = (what: string, position: number) => ServingError;

/**
 * Walks through a serialized message of any size and calls what its plan says, in the order of the bytes. Reads headers and what is
 * taken, nothing else, and lets others run whenever the window moves.
 *
 * @throws what `fault` makes when the bytes are no whole message, when more than 64 MiB would have to be taken at once, or when the plan
 * threw a ServingError for what it was given; the signal's reason once it aborts.
 */
export async function walkMessage(window: ByteWindow, root: MessagePlan, fault: Fault, signal: AbortSignal): Promise<void> {
  const frames: Frame[] = [{ plan: root, end: window.size }];
  let position = 0;
  throwIfAborted(signal);
  root.begin?.();

  const attempt = (step: () => void, start: number): void => {
    try {
      step();
    } catch (reason) {
      throw reason instanceof ServingError ? fault(reason.message, start) : reason;
    }
  };

  const varint = (end: number, most: number): number => {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < most; i++) {
      if (position >= end) throw fault("it ends inside a number", position);
      const byte = window.at(position++);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw fault("a number is too long", position);
  };

  /** The position after `bytes` more, which may not reach over `end`. */
  const skip = (bytes: number, end: number): number => {
    if (position + bytes <= end) return position + bytes;
    throw fault(`a part of ${bytes} bytes ends outside the one it is in`, position);
  };

  while (frames.length > 0) {
    const { plan, end } = frames[frames.length - 1];
    if (position === end) {
      if (plan.end !== undefined) attempt(plan.end, position);
      frames.pop();
      continue;
    }
    if (!window.holds(position, HEADER_BYTES)) {
      throwIfAborted(signal);
      await window.move(position);
    }
    const start = position;
    const tag = varint(end, 5);
    const field = Math.floor(tag / 8);
    if (tag > LARGEST_TAG) throw fault("a field number is too large", start);
    if (field === 0) throw fault("there is a field numbered 0", start);
    switch (tag % 8) {
      case VARINT: {
        const value = varint(end, 10);
        plan.number?.[field]?.(value);
        break;
      }
      case FIXED64:
        position = skip(8, end);
        break;
      case FIXED32:
        position = skip(4, end);
        break;
      case LENGTH_DELIMITED: {
        const partEnd = skip(varint(end, 5), end);
        const part = plan.enter?.[field];
        if (part !== undefined) {
          if (part.begin !== undefined) attempt(part.begin, start);
          frames.push({ plan: part, end: partEnd });
          break;
        }
        const take = plan.take?.[field];
        if (take !== undefined) {
          if (partEnd - position > MOST_TAKEN) throw fault("a part is too long to be read", start);
          // Not awaited when at hand: a graph has a hundred thousand names.
          const atHand = window.holds(position, partEnd - position);
          const bytes = atHand ? window.slice(position, partEnd) : await window.read(position, partEnd);
          attempt(() => take(bytes), start);
        }
        position = partEnd;
        break;
      }
      default:
        throw fault("there is a field of an unknown kind", start);
    }
  }
}
