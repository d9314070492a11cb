import { ServingError } from "../../base/serving-error.ts";
import { beginsLikeGraphDef } from "./graph-def.ts";

/** A kind of file that TensorFlow's users have and that cannot be served. */
export interface UnexportedKind {
  /** What it is, for people. */
  readonly what: string;
  /** Whether a file can be of this kind by its name and the names beside it, its own included. */
  fits(name: string, beside: readonly string[]): boolean;
  /** Whether it can be by its first bytes; any will do where absent. */
  begins?(first: Uint8Array): boolean;
  /** How to get what can be served, as the end of a sentence. */
  wayOut(name: string): string;
}

const FROZEN_GRAPH: UnexportedKind = {
  what: "a frozen TensorFlow graph (GraphDef), which does not say what its inputs and outputs are",
  fits: (name, beside) => endsIn(name, "pb") && beside.filter((each) => endsIn(each, "pb")).length === 1,
  begins: beginsLikeGraphDef,
  wayOut: () =>
    'import it with tf.import_graph_def and write a SavedModel with tf.compat.v1.saved_model.simple_save(session, "EXPORT/1", inputs, outputs)',
};

/** Every kind, in the order they are looked for. */
export const UNEXPORTED_KINDS: readonly UnexportedKind[] = [
  {
    what: "a file of Keras weights, without the model",
    fits: (name) => name.toLowerCase().endsWith(".weights.h5"),
    begins: isHdf5,
    wayOut: (name) => `build the model, model.load_weights("${name}"), and write a SavedModel with model.export("EXPORT/1")`,
  },
  {
    what: "a Keras model",
    fits: (name) => endsIn(name, "keras"),
    begins: (first) => startsWith(first, "PK\x03\x04") || isHdf5(first),
    wayOut: fromKeras,
  },
  {
    what: "a Keras model in HDF5",
    fits: (name) => endsIn(name, "h5", "hdf5"),
    begins: isHdf5,
    wayOut: fromKeras,
  },
  FROZEN_GRAPH,
  {
    what: "a TensorFlow Lite model, and there is no TensorFlow Lite engine here",
    fits: (name) => endsIn(name, "tflite"),
    begins: (first) => startsWith(first.subarray(4), "TFL3"),
    wayOut: (name) =>
      `serve the SavedModel it was converted from, or convert it to ONNX with "python -m tf2onnx.convert --tflite ${name} --output model.onnx"`,
  },
  {
    what: "a SavedModel in TensorFlow's chunked format, which its C API does not read",
    fits: (name) => name === "saved_model.cpb",
    wayOut: () => "save it again without experimental_image_format",
  },
  {
    what: "a TensorFlow checkpoint, which holds variables without a graph that can be called",
    fits: isCheckpoint,
    wayOut: () =>
      'restore it (tf.compat.v1.train.Saver or tf.train.Checkpoint) and write a SavedModel with tf.saved_model.save(module, "EXPORT/1") or tf.compat.v1.saved_model.simple_save',
  },
];

/** The error for a file of a kind. */
export function refusalOf(kind: UnexportedKind, name: string): ServingError {
  return new ServingError("unimplemented", `${name} is ${kind.what}: ${kind.wayOut(name)}`);
}

/** The error for a file that should be a SavedModel and is a frozen graph. */
export function frozenGraphRefusal(name: string): ServingError {
  const { message } = refusalOf(FROZEN_GRAPH, name);
  return new ServingError("invalid-argument", message);
}

function fromKeras(name: string): string {
  return `write a SavedModel with tf.keras.models.load_model("${name}").export("EXPORT/1"), or tf.saved_model.save where a model has no export()`;
}

/** `checkpoint`, or an index, a meta graph or data of one prefix with another of these beside it. */
function isCheckpoint(name: string, beside: readonly string[]): boolean {
  const prefixOf = (each: string): string | undefined => CHECKPOINT_PART.exec(each)?.groups?.prefix;
  if (name === "checkpoint") return beside.some((each) => prefixOf(each) !== undefined);
  const prefix = prefixOf(name);
  if (prefix === undefined) return false;
  return beside.includes(prefix) || beside.some((each) => each !== name && prefixOf(each) === prefix);
}

const CHECKPOINT_PART = /^(?<prefix>.+)\.(?:index|meta|data-\d{5}-of-\d{5})$/;

function isHdf5(first: Uint8Array): boolean {
  return startsWith(first, "\x89HDF\r\n\x1a\n");
}

function endsIn(name: string, ...extensions: readonly string[]): boolean {
  return !name.startsWith(".") && extensions.some((extension) => name.toLowerCase().endsWith(`.${extension}`));
}

function startsWith(bytes: Uint8Array, magic: string): boolean {
  return Buffer.from(bytes.subarray(0, magic.length)).toString("latin1") === magic;
}
