/** A library of TensorFlow's that can be loaded. */
export interface FoundLibrary {
  /** Absolute path of `libtensorflow_cc.so.2` or `libtensorflow_cc.2.dylib`. */
  readonly path: string;
  /** TensorFlow's version: `2.18.1`. */
  readonly version: string;
  /** Named by whoever started the server, installed by modelport, or part of a TensorFlow for Python. */
  readonly origin: "flag" | "cache" | "python";
  /** Size of it, or of the runtime that it belongs to. */
  readonly bytes?: number;
}
