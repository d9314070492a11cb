/** The engines that execute programs. */
export type RuntimeName = "onnxruntime" | "tensorflow" | "tabular" | "python";

/** An ONNX graph in a file of its own; what it keeps in other files lies below the same folder. */
export interface OnnxProgram {
  readonly runtime: "onnxruntime";
  /** Absolute path of the `.onnx` file. */
  readonly file: string;
  /** Bytes of the file and of all it names; lets the runtime size its threads. Default: the file's own. */
  readonly bytes?: number;
}

/** What a platform makes of its files. Plain data: can be sent to another thread. */
export type Program = OnnxProgram;
