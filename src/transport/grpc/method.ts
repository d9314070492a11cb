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
