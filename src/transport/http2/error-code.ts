/** Error codes of RST_STREAM and GOAWAY (RFC 9113 section 7). */
export const ERROR_CODE = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  enhanceYourCalm: 11,
} as const;

/** What a peer did wrong, and how much of the connection it costs. */
export interface Fault {
  /** `connection`: GOAWAY and close; `stream`: RST_STREAM. */
  readonly scope: "connection" | "stream";
  /** One of {@link ERROR_CODE}. */
  readonly code: number;
  /** For the log and GOAWAY's debug data; holds no request data. */
  readonly message: string;
}

/** A fault that ends the connection. */
export function connectionFault(code: number, message: string): Fault {
  return { scope: "connection", code, message };
}

/** A fault that ends one stream. */
export function streamFault(code: number, message: string): Fault {
  return { scope: "stream", code, message };
}
