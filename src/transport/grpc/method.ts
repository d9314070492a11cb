/** What a gRPC call carries beside its messages. */
export interface GrpcCall {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** A metadata value by its lower-case name, as sent (binary ones still base64); undefined when absent. */
  metadata(name: string): string | undefined;
  /** Aborts on cancellation or a lost connection (reason: ServingError cancelled) and at the deadline (ServingError deadline-exceeded). */
  readonly signal: AbortSignal;
  /** Whether the call has a deadline or may be cancelled by it; lets a method skip work on {@link signal}. */
  readonly hasDeadline: boolean;
  /** Milliseconds until the deadline, never negative; undefined without one. */
  readonly remainingMs: number | undefined;
  /** Whether the message taken last came compressed. */
  readonly messageCompressed: boolean;
  /**
   * Adds a field to the head of the answer, in the order of the calls. Name in lower case; the value printable ASCII, or base64
   * when the name ends in `-bin`. Throws `internal` for anything else and when the head is out already.
   */
  addHeader(name: string, value: string): void;
  /** Adds a field to the trailers, whatever the status will be; see {@link addHeader}. Has no effect once the call has ended. */
  addTrailer(name: string, value: string): void;
  /**
   * Whether answers from now on are to be compressed: in a coding that the client takes, when that makes them smaller. A streaming
   * method that wants it for any of its answers says so before the first. Unless told, a unary call answers as it was asked.
   */
  compressAnswers(wanted: boolean): void;
}

/** One request message, one answer. A thrown or rejected ServingError becomes the call's status. */
export interface UnaryMethod {
  readonly kind: "unary";
  /**
   * `message` is a view of the connection's buffer: copy what outlives the call. The answer is kept by reference until it is sent:
   * it must not be written to again.
   */
  run(message: Uint8Array, call: GrpcCall): Uint8Array | Promise<Uint8Array>;
}

/** Any number of messages either way (server streaming, client streaming and both). The call ends OK when `run` resolves. */
export interface StreamingMethod {
  readonly kind: "streaming";
  /**
   * `send` resolves once the message is on its way (flow control permitting) and rejects when the call is gone. The message is kept
   * by reference until the socket has taken it, which may be after that: it must not be written to again.
   */
  run(messages: AsyncIterable<Uint8Array>, send: (message: Uint8Array) => Promise<void>, call: GrpcCall): Promise<void>;
}

export type GrpcMethod = UnaryMethod | StreamingMethod;

/** Finds the method for a path; undefined is answered UNIMPLEMENTED. */
export type GrpcRouter = (path: string) => GrpcMethod | undefined;
