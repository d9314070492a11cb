/**
 * What a connection needs of its socket: the part of Node's `net.Socket` that the protocols use, so that a plain socket, one with
 * TLS and one that is polled directly are the same to them.
 */
export interface PeerSocket {
  /** Whether our side stays open when the peer has closed its own; else it is closed too. */
  allowHalfOpen: boolean;
  /** The other end's address; undefined for a Unix socket, once closed, and where nobody wanted to know. */
  readonly remoteAddress?: string | undefined;
  /** True of one with TLS. */
  readonly encrypted?: boolean;
  /** Whether bytes may still be written. */
  readonly writable: boolean;
  /** Bytes written that the system has not taken yet. */
  readonly writableLength: number;
  /** Whether a write said to wait for "drain", which has not come yet. */
  readonly writableNeedDrain: boolean;
  /** Bytes written so far, those that still wait included. */
  readonly bytesWritten: number;
  on(event: "data", listener: (bytes: Buffer) => void): unknown;
  on(event: "error", listener: (reason: NodeJS.ErrnoException) => void): unknown;
  on(event: "end" | "close" | "drain", listener: () => void): unknown;
  off(event: "data", listener: (bytes: Buffer) => void): unknown;
  off(event: "error", listener: (reason: NodeJS.ErrnoException) => void): unknown;
  off(event: "end" | "close" | "drain", listener: () => void): unknown;
  /**
   * Sends bytes, which stay unchanged until `written` is called; false when the writer should wait for "drain". When the socket
   * closes before, `written` may be called or not.
   */
  write(bytes: Uint8Array, written?: () => void): boolean;
  /** Holds writes back until {@link uncork}, to send them together. */
  cork(): void;
  uncork(): void;
  /**
   * To be called by a "data" listener before it returns: none of the bytes it was given will be looked at again, so their memory
   * may be used for others. Without it they stay as they are. Sockets that do not use memory again have no such method.
   */
  spare?(): void;
  pause(): unknown;
  resume(): unknown;
  isPaused(): boolean;
  setNoDelay(noDelay: boolean): unknown;
  /** Closes our side once everything is written. */
  end(): unknown;
  /** Closes both sides now; "close" follows. */
  destroy(): unknown;
  /** Closes both sides once everything is written. */
  destroySoon(): unknown;
  /** Closes so that the peer sees a reset. Throws where the socket has no reset. */
  resetAndDestroy(): unknown;
}
