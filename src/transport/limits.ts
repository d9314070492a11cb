/** What a connection may ask of the server. Sizes in bytes, times in milliseconds. */
export interface TransportLimits {
  /** Largest request body or gRPC message, before and after decompression. */
  readonly maxBodyBytes: number;
  /** Request line and headers together; also the HTTP/2 header list. */
  readonly maxHeaderBytes: number;
  /** Number of header fields. */
  readonly maxHeaderCount: number;
  /** Chunks of one chunked body. */
  readonly maxChunks: number;
  /** From the first byte of a request head to its last. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the end of its body. */
  readonly requestTimeoutMs: number;
  /** Idle time between requests of a connection; longer than the usual load balancer's. */
  readonly keepAliveTimeoutMs: number;
  /** Time a peer has to take in what was written to it. */
  readonly writeTimeoutMs: number;
  /** Open connections of one serving thread. */
  readonly maxConnections: number;
  /** Request bodies and unsent answers that all connections of one serving thread may keep at once. */
  readonly maxBufferedBytes: number;
  /** Requests of one HTTP/1.1 connection that may wait for their answer at once. */
  readonly maxPipelined: number;
  /** Streams of one HTTP/2 connection open at once. */
  readonly maxConcurrentStreams: number;
  /** HTTP/2 streams a peer may reset at once, and per second after that. */
  readonly resetBurst: number;
  readonly resetsPerSecond: number;
  /** SETTINGS, PING, PRIORITY and empty DATA frames a peer may send at once, and per second after that. */
  readonly controlBurst: number;
  readonly controlsPerSecond: number;
}

const MEBIBYTE = 1024 * 1024;

/** The limits in force unless a flag says otherwise. */
export const DEFAULT_LIMITS: TransportLimits = {
  maxBodyBytes: 64 * MEBIBYTE,
  maxHeaderBytes: 16 * 1024,
  maxHeaderCount: 128,
  maxChunks: 65_536,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  keepAliveTimeoutMs: 65_000,
  writeTimeoutMs: 60_000,
  maxConnections: 20_000,
  maxBufferedBytes: 1024 * MEBIBYTE,
  maxPipelined: 128,
  maxConcurrentStreams: 1024,
  resetBurst: 200,
  resetsPerSecond: 50,
  controlBurst: 1000,
  controlsPerSecond: 100,
};
