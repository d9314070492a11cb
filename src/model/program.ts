import type { Signatures } from "../tensor/signature.ts";
import type { PythonProgram } from "./python-program.ts";
import type { TabularProgram } from "./tabular/tabular-program.ts";

/** The engines that execute programs. */
export type RuntimeName = "onnxruntime" | "tensorflow" | "tabular" | "python";

/** An ONNX graph in a file of its own; what it keeps in other files lies below the same folder. */
export interface OnnxProgram {
  readonly runtime: "onnxruntime";
  /** Absolute path of the `.onnx` file. */
  readonly file: string;
  /** Bytes of the file and of all it names; lets the runtime size its threads. Default: the file's own. */
  readonly bytes?: number;
  /** What its nodes do, by ONNX's names, in no order. */
  readonly operators?: ReadonlySet<string>;
}

/** An ONNX graph in memory, made of a model in another format. */
export interface OnnxGraphProgram {
  readonly runtime: "onnxruntime";
  /** What errors call it: the file that it was made of. */
  readonly source: string;
  /** A serialized `onnx.ModelProto`. */
  readonly model: Uint8Array;
  /** Bytes of the constants that lie beside the model, by the location it gives for them. */
  readonly weights: ReadonlyMap<string, Uint8Array>;
  /** What its nodes do, by ONNX's names, in no order. */
  readonly operators: ReadonlySet<string>;
}

/** One graph of a TensorFlow SavedModel, with its variables and assets. */
export interface SavedModelProgram {
  readonly runtime: "tensorflow";
  /** Absolute path of the folder that holds `saved_model.pb` or `saved_model.pbtxt`. */
  readonly folder: string;
  /** Tags of the graph: exactly these are on it. */
  readonly tags: readonly string[];
  /** What the graph says of itself, checked to be there. */
  readonly signatures: Signatures;
  /** Default values of inputs by signature and alias: serialized `tensorflow.TensorProto`s. */
  readonly defaults: ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;
  /** Bytes of the graph and its variables; lets the runtime size its threads. */
  readonly bytes: number;
  /** Version of TensorFlow that wrote it, as it says; empty when it does not. */
  readonly tensorflowVersion: string;
  /** Operations that the graph and its functions are made of, in no order. */
  readonly opTypes?: readonly string[];
  /** Collections of Python code that Simple TensorFlow Serving would run on requests and answers; it is not run here. */
  readonly hooks?: readonly string[];
  /** What the model's files ask of the session: a serialized `tensorflow.ConfigProto`, to be merged over the server's. */
  readonly sessionOverrides?: Uint8Array;
}

/** What a platform makes of its files. Plain data: can be sent to another thread. */
export type Program = OnnxProgram | OnnxGraphProgram | SavedModelProgram | TabularProgram | PythonProgram;
