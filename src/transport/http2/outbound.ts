import { type Deferred, deferred } from "../../base/deferred.ts";
import type { ServingError } from "../../base/serving-error.ts";
import type { PeerSocket } from "../peer-socket.ts";
import { changedWindow, DEFAULT_WINDOW } from "./flow-control.ts";
import { FRAME_FLAG, FRAME_HEADER_BYTES, FRAME_TYPE, writeFrameHeader, writeUint32 } from "./frame.ts";
import { type HeaderFields, HpackEncoder, PreparedHeaders } from "./hpack-encoder.ts";
import { OutputBuffer } from "./output-buffer.ts";
import { DEFAULT_PEER_SETTINGS, type PeerSettings } from "./settings.ts";
import type { SendQueue, Stream } from "./stream.ts";

/** Payloads up to this size are copied beside their frame header; larger ones go to the socket as they are. */
const COPIED_BYTES = 4096;
/** No more DATA is made while this much waits for the socket. */
const HIGH_WATER_BYTES = 1024 * 1024;
/** Length and compression flag before a gRPC message. */
const MESSAGE_PREFIX_BYTES = 5;

/** A header block to be sent. */
export type HeaderBlock = HeaderFields | PreparedHeaders;

/** What the sending side tells its connection. */
export interface OutboundOwner {
  /** Something was put in the buffer that a flush must send. */
  wake(): void;
  /** Our side of the stream has ended; the stream is closed when the peer's had. */
  localEnded(stream: Stream): void;
  now(): number;
}

/**
 * The sending side of one connection: header blocks, DATA under the peer's windows, and queues for what the windows or a slow
 * socket hold back (taken in turn, a frame at a time). Bytes handed in must stay unchanged until they are sent.
 */
export class Outbound {
  readonly #socket: PeerSocket;
  readonly #owner: OutboundOwner;
  readonly #buffer = new OutputBuffer();
  readonly #encoder = new HpackEncoder();
  readonly #waiting = new Set<Stream>();
  #peer: PeerSettings = DEFAULT_PEER_SETTINGS;
  #window = DEFAULT_WINDOW;
  /** Bytes of answers that wait for the peer, all streams together. */
  queuedBytes = 0;
  /** Whether HEADERS or DATA left since the flag was last cleared; pays for a peer's PING. */
  sentOnStreams = false;

  constructor(socket: PeerSocket, owner: OutboundOwner) {
    this.#socket = socket;
    this.#owner = owner;
  }

  /** See {@link OutboundOwner.wake}. */
  wake(): void {
    this.#owner.wake();
  }

  get buffer(): OutputBuffer {
    return this.#buffer;
  }

  get peer(): PeerSettings {
    return this.#peer;
  }

  /** Follows the peer's settings; false when a stream's window would overflow. To be acknowledged, then {@link pump}ed. */
  applyPeer(peer: PeerSettings, streams: Iterable<Stream>): boolean {
    const change = peer.initialWindowSize - this.#peer.initialWindowSize;
    this.#encoder.setMaxTableSize(peer.headerTableSize);
    this.#peer = peer;
    if (change === 0) return true;
    for (const stream of streams) {
      const window = changedWindow(stream.sendWindow, change);
      if (window === undefined) return false;
      stream.sendWindow = window;
    }
    return true;
  }

  /** Widens the connection's window; false when it would overflow. */
  widen(increment: number): boolean {
    const window = changedWindow(this.#window, increment);
    if (window === undefined) return false;
    this.#window = window;
    this.pump();
    return true;
  }

  /** Widens a stream's window; false when it would overflow. */
  widenStream(stream: Stream, increment: number): boolean {
    const window = changedWindow(stream.sendWindow, increment);
    if (window === undefined) return false;
    stream.sendWindow = window;
    if (stream.queue !== undefined) {
      while (this.#sendFrame(stream)) {}
    }
    return true;
  }

  /** A frame that flow control does not concern. */
  control(type: number, flags: number, streamId: number, payload: Uint8Array): void {
    const at = this.#buffer.reserve(FRAME_HEADER_BYTES + payload.length);
    const slab = this.#buffer.slab;
    const payloadAt = writeFrameHeader(slab, at, payload.length, type, flags, streamId);
    slab.set(payload, payloadAt);
    this.#buffer.commit(payloadAt + payload.length);
    this.#owner.wake();
  }

  /** RST_STREAM (with an error code) or WINDOW_UPDATE (with an increment). */
  number(type: number, streamId: number, value: number): void {
    const at = this.#buffer.reserve(FRAME_HEADER_BYTES + 4);
    const payloadAt = writeFrameHeader(this.#buffer.slab, at, 4, type, 0, streamId);
    this.#buffer.commit(writeUint32(this.#buffer.slab, payloadAt, value));
    this.#owner.wake();
  }

  /** A header block; `end` closes our side of the stream. */
  headers(stream: Stream, block: HeaderBlock, end: boolean): void {
    this.#writeBlock(stream.id, block, end);
    this.#owner.wake();
    if (end) this.#localEnd(stream);
  }

  /** A whole answer of one gRPC message: headers, the framed message and trailers, in one piece when the windows allow. */
  unary(stream: Stream, headers: HeaderBlock, compressed: boolean, message: Uint8Array, trailers: HeaderBlock): void {
    this.#writeBlock(stream.id, headers, false);
    const length = MESSAGE_PREFIX_BYTES + message.length;
    if (length > COPIED_BYTES || length > this.#window || length > stream.sendWindow || this.#congested()) {
      this.#queueMessage(stream, compressed, message, undefined);
      this.finish(stream, trailers instanceof PreparedHeaders ? trailers.fields : trailers);
      return;
    }
    const at = this.#buffer.reserve(FRAME_HEADER_BYTES + length);
    const slab = this.#buffer.slab;
    const prefixAt = writeFrameHeader(slab, at, length, FRAME_TYPE.data, 0, stream.id);
    slab[prefixAt] = compressed ? 1 : 0;
    slab.set(message, writeUint32(slab, prefixAt + 1, message.length));
    this.#buffer.commit(prefixAt + length);
    this.#window -= length;
    stream.sendWindow -= length;
    this.#writeBlock(stream.id, trailers, true);
    this.#owner.wake();
    this.#localEnd(stream);
  }

  /** Sends a framed gRPC message; resolves when its last byte is on its way, rejects when the stream is dropped before. */
  message(stream: Stream, compressed: boolean, message: Uint8Array): Promise<void> {
    const sent = deferred<void>();
    // The caller may not wait for it; that the call is gone reaches it by other ways too.
    sent.promise.catch(() => undefined);
    this.#queueMessage(stream, compressed, message, sent);
    return sent.promise;
  }

  #queueMessage(stream: Stream, compressed: boolean, message: Uint8Array, sent: Deferred<void> | undefined): void {
    const prefix = Buffer.allocUnsafe(MESSAGE_PREFIX_BYTES);
    prefix[0] = compressed ? 1 : 0;
    writeUint32(prefix, 1, message.length);
    const queue = this.#queueOf(stream);
    queue.chunks.push({ bytes: prefix, sent: undefined });
    this.#count(queue, MESSAGE_PREFIX_BYTES);
    this.#enqueue(stream, queue, message, sent);
  }

  /**
   * Sends body bytes after which there are more. Returns undefined when they are on their way; else a promise that resolves when
   * they are and rejects when the stream is dropped before.
   */
  piece(stream: Stream, bytes: Uint8Array): Promise<void> | undefined {
    const queue = this.#queueOf(stream);
    queue.chunks.push({ bytes, sent: undefined });
    this.#count(queue, bytes.length);
    while (this.#sendFrame(stream)) {}
    if (stream.queue === undefined) return undefined;
    const sent = deferred<void>();
    queue.chunks[queue.chunks.length - 1] = { bytes, sent };
    return sent.promise;
  }

  /** Queues body bytes that end the stream. */
  body(stream: Stream, bytes: Uint8Array): void {
    const queue = this.#queueOf(stream);
    queue.end = true;
    this.#enqueue(stream, queue, bytes, undefined);
  }

  /** Ends the stream with trailers once everything queued before them is sent. */
  finish(stream: Stream, trailers: HeaderFields): void {
    const queue = stream.queue;
    if (queue === undefined) {
      this.headers(stream, trailers, true);
      return;
    }
    queue.trailers = trailers;
    queue.end = true;
  }

  /** Forgets what waits to be sent on a stream that is gone. */
  drop(stream: Stream, reason: ServingError): void {
    const queue = stream.queue;
    if (queue === undefined) return;
    stream.queue = undefined;
    this.#waiting.delete(stream);
    this.queuedBytes -= queue.bytes;
    for (const chunk of queue.chunks) chunk.sent?.reject(reason);
  }

  /** Sends from the queues, a frame each in turn, until windows or the socket say stop. */
  pump(): void {
    let moved = true;
    while (moved) {
      moved = false;
      for (const stream of this.#waiting) if (this.#sendFrame(stream)) moved = true;
    }
  }

  #enqueue(stream: Stream, queue: SendQueue, bytes: Uint8Array, sent: Deferred<void> | undefined): void {
    queue.chunks.push({ bytes, sent });
    this.#count(queue, bytes.length);
    while (this.#sendFrame(stream)) {}
  }

  #count(queue: SendQueue, length: number): void {
    queue.bytes += length;
    this.queuedBytes += length;
  }

  #queueOf(stream: Stream): SendQueue {
    if (stream.queue === undefined) {
      stream.queue = { chunks: [], offset: 0, bytes: 0, trailers: undefined, end: false, progressAt: this.#owner.now() };
      this.#waiting.add(stream);
    }
    return stream.queue;
  }

  #congested(): boolean {
    return this.#buffer.size + this.#socket.writableLength >= HIGH_WATER_BYTES;
  }

  /** Sends one DATA frame, and the stream's end behind the last; whether something moved. */
  #sendFrame(stream: Stream): boolean {
    const queue = stream.queue;
    if (queue === undefined || this.#congested()) return false;
    const available = queue.bytes;
    const length = Math.min(available, this.#peer.maxFrameSize, this.#window, stream.sendWindow);
    if (length <= 0 && available > 0) return false;
    const last = length === available;
    const end = last && queue.end && queue.trailers === undefined;
    if (length > 0 || end) {
      const at = this.#buffer.reserve(FRAME_HEADER_BYTES);
      const flags = end ? FRAME_FLAG.endStream : 0;
      this.#buffer.commit(writeFrameHeader(this.#buffer.slab, at, length, FRAME_TYPE.data, flags, stream.id));
      this.#takeChunks(queue, length);
      this.#window -= length;
      stream.sendWindow -= length;
      this.queuedBytes -= length;
      queue.bytes -= length;
      queue.progressAt = this.#owner.now();
      this.sentOnStreams = true;
    }
    this.#owner.wake();
    if (!last) return true;
    this.#settleEmpty(queue);
    stream.queue = undefined;
    this.#waiting.delete(stream);
    if (queue.trailers !== undefined) this.#writeBlock(stream.id, queue.trailers, true);
    if (queue.end) this.#localEnd(stream);
    return false;
  }

  #takeChunks(queue: SendQueue, length: number): void {
    while (length > 0) {
      const chunk = queue.chunks[0]!;
      const taken = Math.min(chunk.bytes.length - queue.offset, length);
      const piece = chunk.bytes.subarray(queue.offset, queue.offset + taken);
      if (taken <= COPIED_BYTES) {
        const at = this.#buffer.reserve(taken);
        this.#buffer.slab.set(piece, at);
        this.#buffer.commit(at + taken);
      } else {
        this.#buffer.append(piece);
      }
      length -= taken;
      queue.offset += taken;
      if (queue.offset === chunk.bytes.length) {
        queue.chunks.shift();
        queue.offset = 0;
        chunk.sent?.resolve();
      }
    }
  }

  #settleEmpty(queue: SendQueue): void {
    for (const chunk of queue.chunks) chunk.sent?.resolve();
  }

  #localEnd(stream: Stream): void {
    stream.move("local-end");
    this.#owner.localEnded(stream);
  }

  #writeBlock(streamId: number, block: HeaderBlock, end: boolean): void {
    this.sentOnStreams = true;
    const flags = FRAME_FLAG.endHeaders | (end ? FRAME_FLAG.endStream : 0);
    const known = block instanceof PreparedHeaders ? this.#encoder.remembered(block) : undefined;
    if (known !== undefined) {
      const at = this.#buffer.reserve(FRAME_HEADER_BYTES + known.length);
      const slab = this.#buffer.slab;
      let to = writeFrameHeader(slab, at, known.length, FRAME_TYPE.headers, flags, streamId);
      for (let index = 0; index < known.length; index++) slab[to++] = known[index]!;
      this.#buffer.commit(to);
      return;
    }
    const fields = block instanceof PreparedHeaders ? block.fields : block;
    const at = this.#buffer.reserve(FRAME_HEADER_BYTES + this.#encoder.bound(fields));
    const slab = this.#buffer.slab;
    const blockAt = at + FRAME_HEADER_BYTES;
    const blockEnd =
      block instanceof PreparedHeaders
        ? this.#encoder.encodePrepared(block, slab, blockAt)
        : this.#encoder.encode(fields, slab, blockAt);
    const length = blockEnd - blockAt;
    if (length <= this.#peer.maxFrameSize) {
      writeFrameHeader(slab, at, length, FRAME_TYPE.headers, flags, streamId);
      this.#buffer.commit(blockEnd);
    } else {
      this.#writeLongBlock(streamId, Buffer.from(slab.subarray(blockAt, blockEnd)), end);
    }
  }

  #writeLongBlock(streamId: number, block: Buffer, end: boolean): void {
    const size = this.#peer.maxFrameSize;
    for (let from = 0; from < block.length; from += size) {
      const piece = block.subarray(from, from + size);
      const last = from + size >= block.length ? FRAME_FLAG.endHeaders : 0;
      if (from === 0) this.control(FRAME_TYPE.headers, last | (end ? FRAME_FLAG.endStream : 0), streamId, piece);
      else this.control(FRAME_TYPE.continuation, last, streamId, piece);
    }
  }
}
