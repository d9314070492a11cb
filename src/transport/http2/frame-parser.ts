// Above the usual length of a file: one state machine over the bytes.
import { ownBytes } from "../own-bytes.ts";
import { connectionFault, ERROR_CODE, type Fault } from "./error-code.ts";
import { CLIENT_PREFACE, DEFAULT_MAX_FRAME_SIZE, FRAME_FLAG, FRAME_HEADER_BYTES, FRAME_TYPE, readUint32 } from "./frame.ts";

/** What {@link FrameParser.next} found; the details are the parser's fields until the next call. */
export type FrameEvent =
  /** A run of a DATA frame's payload: `streamId`, `bytes/start/end`, `frameLength`, `endStream`. */
  | "data"
  /** A whole header block, CONTINUATION included: `streamId`, `bytes/start/end`, `endStream`, `selfDependent`. */
  | "headers"
  /** `streamId`, `selfDependent`. */
  | "priority"
  /** `streamId`, `value` (error code). */
  | "reset"
  /** `ack`, `bytes/start/end`. */
  | "settings"
  /** `ack`, `bytes/start/end` (8 bytes). */
  | "ping"
  /** `value` (last stream id). */
  | "go-away"
  /** `streamId`, `value` (increment, possibly 0). */
  | "window-update"
  /** A frame type not known here, to be ignored. */
  | "unknown"
  /** `fault`, always of scope `connection`: nothing more is parsed. */
  | "fault";

type Step = "preface" | "head" | "payload" | "pad-length" | "data" | "failed";

const EMPTY = Buffer.alloc(0);
/** CONTINUATION frames of one header block; far more than an honest peer needs for the largest block allowed. */
const MAX_CONTINUATIONS = 32;

/**
 * Splits a client's byte stream into frames and applies the rules that need no more than the frames themselves
 * (RFC 9113 sections 3.4, 4, 6): preface, sizes, padding, stream numbers and the unbroken run of CONTINUATION.
 *
 * Pure and incremental: `push` a chunk, then call `next` until it returns undefined. DATA is handed out as it arrives and
 * never joined; other frames are views of the chunk unless a chunk border splits them. Fields are reused from event to event.
 */
export class FrameParser {
  streamId = 0;
  bytes: Buffer = EMPTY;
  start = 0;
  end = 0;
  /** On a DATA frame's last run and on header blocks. */
  endStream = false;
  ack = false;
  /** A priority that names its own stream. */
  selfDependent = false;
  value = 0;
  /** Payload length of a DATA frame, padding included, on its first run; 0 on later ones. */
  frameLength = 0;
  fault: Fault | undefined;

  readonly #maxFrameSize: number;
  readonly #maxBlockBytes: number;
  #step: Step;
  #chunk: Buffer = EMPTY;
  #at = 0;
  #type = 0;
  #flags = 0;
  #length = 0;
  #padding = 0;
  #unchargedLength = 0;
  #settingsSeen = false;
  /** A part of a preface, a frame header or a payload that a chunk border cut. */
  #partial: Buffer = EMPTY;
  #filled = 0;
  #block: Buffer[] = [];
  #blockBytes = 0;
  #blockStream = 0;
  #blockEndStream = false;
  #blockSelfDependent = false;

  constructor(limits: { readonly maxHeaderBlockBytes: number; readonly maxFrameSize?: number; readonly preface?: boolean }) {
    this.#maxBlockBytes = limits.maxHeaderBlockBytes;
    this.#maxFrameSize = limits.maxFrameSize ?? DEFAULT_MAX_FRAME_SIZE;
    this.#step = limits.preface === false ? "head" : "preface";
  }

  /** Whether something other than DATA has begun and not ended; such a thing should not take long. */
  get incomplete(): boolean {
    return this.#step === "preface" || this.#step === "payload" || this.#filled > 0 || this.#blockStream !== 0;
  }

  /** Whether bytes of the chunk are left. */
  get hasInput(): boolean {
    return this.#at < this.#chunk.length;
  }

  /** Whether a part of the chunk will be looked at again. */
  get holdsInput(): boolean {
    return this.hasInput || this.#block.length > 0;
  }

  /** Gives the next chunk; the one before must have been read to its end. The chunk must stay unchanged while views are in use. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Lets go of the buffers of which it holds nothing or a small part. To be called between chunks or when the rest of one must wait. */
  compact(): void {
    this.#chunk = this.hasInput ? ownBytes(this.#chunk.subarray(this.#at)) : EMPTY;
    this.#at = 0;
    this.bytes = EMPTY;
    if (this.#block.length > 0) this.#block = this.#block.map(ownBytes);
  }

  /** The next event of the chunk; undefined when more bytes are needed. */
  next(): FrameEvent | undefined {
    for (;;) {
      let event: FrameEvent | undefined;
      switch (this.#step) {
        case "preface":
          if (this.#at === this.#chunk.length) return undefined;
          event = this.#preface();
          break;
        case "head":
          if (!this.#gather(FRAME_HEADER_BYTES)) return undefined;
          event = this.#head();
          break;
        case "payload":
          if (!this.#gather(this.#length)) return undefined;
          this.#step = "head";
          event = this.#payload();
          break;
        case "pad-length":
          if (this.#at === this.#chunk.length) return undefined;
          event = this.#padLength();
          break;
        case "data":
          if (this.#at === this.#chunk.length && this.#length + this.#padding > 0) return undefined;
          event = this.#data();
          break;
        case "failed":
          return undefined;
      }
      if (event !== undefined) return event;
    }
  }

  /** Makes `bytes/start/end` the next `size` bytes, joining what a chunk border cut. */
  #gather(size: number): boolean {
    const available = this.#chunk.length - this.#at;
    if (this.#filled === 0 && available >= size) {
      this.bytes = this.#chunk;
      this.start = this.#at;
      this.end = this.#at += size;
      return true;
    }
    if (available === 0) return false;
    if (this.#filled === 0) this.#partial = Buffer.allocUnsafe(size);
    const taken = Math.min(available, size - this.#filled);
    this.#chunk.copy(this.#partial, this.#filled, this.#at, this.#at + taken);
    this.#at += taken;
    this.#filled += taken;
    if (this.#filled < size) return false;
    this.bytes = this.#partial;
    this.start = 0;
    this.end = size;
    this.#filled = 0;
    this.#partial = EMPTY;
    return true;
  }

  #preface(): FrameEvent | undefined {
    while (this.#at < this.#chunk.length) {
      if (this.#chunk[this.#at++] !== CLIENT_PREFACE[this.#length++]) {
        return this.#fail(ERROR_CODE.protocolError, "the connection preface is not HTTP/2's");
      }
      if (this.#length === CLIENT_PREFACE.length) {
        this.#step = "head";
        return undefined;
      }
    }
    return undefined;
  }

  #head(): FrameEvent | undefined {
    const { bytes, start } = this;
    const length = (bytes[start]! << 16) | (bytes[start + 1]! << 8) | bytes[start + 2]!;
    const type = bytes[start + 3]!;
    this.#type = type;
    this.#flags = bytes[start + 4]!;
    this.#length = length;
    this.#padding = 0;
    this.streamId = readUint32(bytes, start + 5) & 0x7fffffff;
    if (length > this.#maxFrameSize) {
      return this.#fail(ERROR_CODE.frameSizeError, `a frame of ${length} bytes is longer than ${this.#maxFrameSize}`);
    }
    if (!this.#settingsSeen) {
      if (type !== FRAME_TYPE.settings || (this.#flags & FRAME_FLAG.ack) !== 0) {
        return this.#fail(ERROR_CODE.protocolError, "the first frame is not SETTINGS");
      }
      this.#settingsSeen = true;
    }
    if (this.#blockStream !== 0 && (type !== FRAME_TYPE.continuation || this.streamId !== this.#blockStream)) {
      return this.#fail(ERROR_CODE.protocolError, "a header block was interrupted by another frame");
    }
    const fault = this.#shapeFault(type, length);
    if (fault !== undefined) return this.#fail(fault.code, fault.message);
    if (type === FRAME_TYPE.data) {
      this.#unchargedLength = length;
      this.#step = (this.#flags & FRAME_FLAG.padded) === 0 ? "data" : "pad-length";
    } else {
      this.#step = "payload";
    }
    return undefined;
  }

  /** Rules on a frame's length and stream that are broken at the cost of the whole connection. */
  #shapeFault(type: number, length: number): Fault | undefined {
    const onStream = this.streamId !== 0;
    const padded = (this.#flags & FRAME_FLAG.padded) !== 0;
    switch (type) {
      case FRAME_TYPE.data:
        if (!onStream) return connectionFault(ERROR_CODE.protocolError, "DATA on stream 0");
        return padded && length < 1 ? connectionFault(ERROR_CODE.frameSizeError, "DATA without its pad length") : undefined;
      case FRAME_TYPE.headers: {
        if (!onStream) return connectionFault(ERROR_CODE.protocolError, "HEADERS on stream 0");
        const fixed = (padded ? 1 : 0) + ((this.#flags & FRAME_FLAG.priority) !== 0 ? 5 : 0);
        return length < fixed ? connectionFault(ERROR_CODE.frameSizeError, "HEADERS is too short for its flags") : undefined;
      }
      case FRAME_TYPE.priority:
        if (!onStream) return connectionFault(ERROR_CODE.protocolError, "PRIORITY on stream 0");
        return length === 5 ? undefined : connectionFault(ERROR_CODE.frameSizeError, `PRIORITY of ${length} bytes`);
      case FRAME_TYPE.reset:
        if (!onStream) return connectionFault(ERROR_CODE.protocolError, "RST_STREAM on stream 0");
        return length === 4 ? undefined : connectionFault(ERROR_CODE.frameSizeError, `RST_STREAM of ${length} bytes`);
      case FRAME_TYPE.settings:
        if (onStream) return connectionFault(ERROR_CODE.protocolError, "SETTINGS on a stream");
        return length % 6 === 0 && (length === 0 || (this.#flags & FRAME_FLAG.ack) === 0)
          ? undefined
          : connectionFault(ERROR_CODE.frameSizeError, `SETTINGS of ${length} bytes`);
      case FRAME_TYPE.pushPromise:
        return connectionFault(ERROR_CODE.protocolError, "PUSH_PROMISE from a client");
      case FRAME_TYPE.ping:
        if (onStream) return connectionFault(ERROR_CODE.protocolError, "PING on a stream");
        return length === 8 ? undefined : connectionFault(ERROR_CODE.frameSizeError, `PING of ${length} bytes`);
      case FRAME_TYPE.goAway:
        if (onStream) return connectionFault(ERROR_CODE.protocolError, "GOAWAY on a stream");
        return length >= 8 ? undefined : connectionFault(ERROR_CODE.frameSizeError, `GOAWAY of ${length} bytes`);
      case FRAME_TYPE.windowUpdate:
        return length === 4 ? undefined : connectionFault(ERROR_CODE.frameSizeError, `WINDOW_UPDATE of ${length} bytes`);
      case FRAME_TYPE.continuation:
        return this.#blockStream !== 0
          ? undefined
          : connectionFault(ERROR_CODE.protocolError, "CONTINUATION without a header block");
      default:
        return undefined;
    }
  }

  #padLength(): FrameEvent | undefined {
    const padding = this.#chunk[this.#at++]!;
    if (padding >= this.#length) return this.#fail(ERROR_CODE.protocolError, "padding is longer than its frame");
    this.#padding = padding;
    this.#length -= 1 + padding;
    this.#step = "data";
    return undefined;
  }

  /** Hands out what the chunk holds of a DATA frame; an event only when bytes, the charge or the frame's end is news. */
  #data(): FrameEvent | undefined {
    const available = this.#chunk.length - this.#at;
    const taken = Math.min(available, this.#length);
    const skipped = Math.min(available - taken, this.#padding);
    this.bytes = this.#chunk;
    this.start = this.#at;
    this.end = this.#at + taken;
    this.#at += taken + skipped;
    this.#length -= taken;
    this.#padding -= skipped;
    const complete = this.#length === 0 && this.#padding === 0;
    if (complete) this.#step = "head";
    this.endStream = complete && (this.#flags & FRAME_FLAG.endStream) !== 0;
    this.frameLength = this.#unchargedLength;
    this.#unchargedLength = 0;
    return taken > 0 || complete || this.frameLength > 0 ? "data" : undefined;
  }

  #payload(): FrameEvent | undefined {
    const { bytes, start } = this;
    this.ack = (this.#flags & FRAME_FLAG.ack) !== 0;
    switch (this.#type) {
      case FRAME_TYPE.headers:
        return this.#headers();
      case FRAME_TYPE.continuation:
        return this.#continuation();
      case FRAME_TYPE.priority:
        this.selfDependent = (readUint32(bytes, start) & 0x7fffffff) === this.streamId;
        return "priority";
      case FRAME_TYPE.reset:
        this.value = readUint32(bytes, start);
        return "reset";
      case FRAME_TYPE.settings:
        return "settings";
      case FRAME_TYPE.ping:
        return "ping";
      case FRAME_TYPE.goAway:
        this.value = readUint32(bytes, start) & 0x7fffffff;
        return "go-away";
      case FRAME_TYPE.windowUpdate:
        this.value = readUint32(bytes, start) & 0x7fffffff;
        return "window-update";
      default:
        return "unknown";
    }
  }

  #headers(): FrameEvent | undefined {
    const flags = this.#flags;
    let padding = 0;
    if ((flags & FRAME_FLAG.padded) !== 0) padding = this.bytes[this.start++]!;
    this.selfDependent = false;
    if ((flags & FRAME_FLAG.priority) !== 0) {
      this.selfDependent = (readUint32(this.bytes, this.start) & 0x7fffffff) === this.streamId;
      this.start += 5;
    }
    this.end -= padding;
    if (this.end < this.start) return this.#fail(ERROR_CODE.protocolError, "padding is longer than its frame");
    this.endStream = (flags & FRAME_FLAG.endStream) !== 0;
    if (this.end - this.start > this.#maxBlockBytes) return this.#failTooManyHeaders();
    if ((flags & FRAME_FLAG.endHeaders) !== 0) return "headers";
    this.#blockStream = this.streamId;
    this.#blockEndStream = this.endStream;
    this.#blockSelfDependent = this.selfDependent;
    this.#blockBytes = this.end - this.start;
    this.#block = [this.bytes.subarray(this.start, this.end)];
    return undefined;
  }

  #continuation(): FrameEvent | undefined {
    this.#blockBytes += this.end - this.start;
    this.#block.push(this.bytes.subarray(this.start, this.end));
    if (this.#blockBytes > this.#maxBlockBytes || this.#block.length > MAX_CONTINUATIONS) return this.#failTooManyHeaders();
    if ((this.#flags & FRAME_FLAG.endHeaders) === 0) return undefined;
    this.bytes = Buffer.concat(this.#block, this.#blockBytes);
    this.start = 0;
    this.end = this.#blockBytes;
    this.endStream = this.#blockEndStream;
    this.selfDependent = this.#blockSelfDependent;
    this.#block = [];
    this.#blockStream = 0;
    return "headers";
  }

  #failTooManyHeaders(): FrameEvent {
    this.#block = [];
    return this.#fail(ERROR_CODE.enhanceYourCalm, `a header block is longer than ${this.#maxBlockBytes} bytes or too finely cut`);
  }

  #fail(code: number, message: string): FrameEvent {
    this.fault = connectionFault(code, message);
    this.#step = "failed";
    return "fault";
  }
}
