/**
 * What a config may say of how one TensorFlow model is loaded and run; what is absent is the server's to say. Plain data.
 */
export interface TensorFlowOptions {
  /** Tags of the graph to load from a SavedModel. Default: `serve`. */
  readonly tags?: readonly string[];
  /** Serialized `tensorflow.ConfigProto`; a model's is merged over the server's, as protobuf merges messages. */
  readonly sessionConfig?: Uint8Array;
  /** A TensorFlow server that loads and runs the graph in place of this process: `grpc://host:port`. */
  readonly sessionTarget?: string;
  /** Libraries of custom ops, or folders of them, absolute. Their code is run. */
  readonly customOpPaths?: readonly string[];
}
