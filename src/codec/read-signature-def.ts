import { fromBinary } from "@bufbuild/protobuf";
import { ServingError } from "../base/serving-error.ts";
import { SignatureDefSchema } from "../gen/tensorflow/core/protobuf/meta_graph_pb.ts";
import type { DeclaredShape } from "../tensor/shape.ts";
import type { Signature, TensorInfo } from "../tensor/signature.ts";
import { declaredDType, nameOfDataType } from "./data-type.ts";
import { type MapEntry, readMapEntry } from "./protobuf/map-entry.ts";
import { ProtobufReader } from "./protobuf/reader.ts";

// Tags of SignatureDef.
const INPUTS = 0x0a;
const OUTPUTS = 0x12;
const METHOD_NAME = 0x1a;
const DEFAULTS = 0x22;
// Tags of TensorInfo.
const NAME = 0x0a;
const DTYPE = 0x10;
const TENSOR_SHAPE = 0x1a;
const COO_SPARSE = 0x22;
const COMPOSITE_TENSOR = 0x2a;
// Tags of TensorShapeProto and its Dim.
const DIM = 0x12;
const UNKNOWN_RANK = 0x18;
const DIM_SIZE = 0x08;
const DIM_NAME = 0x12;

/** What a `tensorflow.SignatureDef` says. */
export interface SignatureReading {
  /** Its lists are in the order of the aliases: the order of a protobuf map means nothing. */
  readonly signature: Signature;
  /** Serialized `tensorflow.TensorProto`s by alias: values of the inputs that may be left out. */
  readonly defaults: ReadonlyMap<string, Uint8Array>;
}

/** A `tensorflow.TensorInfo`. */
interface DeclaredTensor {
  readonly alias: string;
  readonly encoding: "name" | "sparse" | "composite";
  readonly name: string;
  /** A `tensorflow.DataType`. */
  readonly dataType: number;
  readonly shape: DeclaredShape;
  readonly dimensionNames: readonly string[];
}

/**
 * Reads a serialized `tensorflow.SignatureDef`. A reference type counts as what it refers to; an input or output that tensors here cannot
 * be is only in the definition, and with such an input, or without an output, the signature is {@link Signature.uncallable}.
 *
 * @throws ServingError invalid-argument for malformed bytes.
 */
export function readSignatureDef(bytes: Uint8Array): SignatureReading {
  // Not a view: a signature is sent to other threads, with all of the memory it looks at.
  const definition = new Uint8Array(bytes);
  requireDefinition(definition);
  const inputs = new Map<string, DeclaredTensor>();
  const outputs = new Map<string, DeclaredTensor>();
  const values = new Map<string, Uint8Array>();
  let methodName = "";
  const reader = new ProtobufReader(definition);
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === METHOD_NAME) methodName = reader.readString();
    else if (tag === INPUTS || tag === OUTPUTS) {
      const tensor = readTensorInfo(readMapEntry(reader.readBytes()));
      (tag === INPUTS ? inputs : outputs).set(tensor.alias, tensor);
    } else if (tag === DEFAULTS) {
      const { key, value } = readMapEntry(reader.readBytes());
      values.set(key, value);
    } else reader.skip(tag);
  }

  const defaults = new Map<string, Uint8Array>();
  for (const [alias, value] of values) if (inputs.has(alias)) defaults.set(alias, new Uint8Array(value));
  const declaredInputs = byAlias(inputs);
  const servedOutputs = byAlias(outputs).flatMap((each) => tensorInfo(each) ?? []);
  const fault = declaredInputs.map(faultOfInput).find((each) => each !== undefined);
  const uncallable = fault ?? (servedOutputs.length === 0 ? "it has no output that is a tensor" : undefined);
  const signature: Signature = {
    inputs: declaredInputs.flatMap((each) => tensorInfo(each, defaults.has(each.alias)) ?? []),
    outputs: servedOutputs,
    methodName,
    definition,
    ...(uncallable !== undefined && { uncallable }),
  };
  return { signature, defaults };
}

/** Metadata shows the definition by the generated classes, which look at more of it than is read here. */
function requireDefinition(definition: Uint8Array): void {
  try {
    fromBinary(SignatureDefSchema, definition);
  } catch (cause) {
    throw new ServingError("invalid-argument", "malformed protobuf message: it is no SignatureDef", { cause });
  }
}

function byAlias(tensors: ReadonlyMap<string, DeclaredTensor>): DeclaredTensor[] {
  return [...tensors.values()].sort((a, b) => (a.alias < b.alias ? -1 : 1));
}

function readTensorInfo({ key: alias, value }: MapEntry): DeclaredTensor {
  let encoding: DeclaredTensor["encoding"] = "name";
  let name = "";
  let dataType = 0;
  const shape = new ShapeReading();
  const reader = new ProtobufReader(value);
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === NAME) {
      name = reader.readString();
      encoding = "name";
    } else if (tag === DTYPE) dataType = reader.readVarint32();
    else if (tag === TENSOR_SHAPE) shape.add(reader);
    else {
      if (tag === COO_SPARSE) encoding = "sparse";
      else if (tag === COMPOSITE_TENSOR) encoding = "composite";
      reader.skip(tag);
    }
  }
  return { alias, encoding, name: encoding === "name" ? name : "", dataType, ...shape.finish() };
}

/** A TensorShapeProto, put together from all its occurrences. */
class ShapeReading {
  readonly #sizes: number[] = [];
  readonly #names: string[] = [];
  #declared = false;
  #unknownRank = false;

  /** Reads the next one, of which the tag was read. */
  add(reader: ProtobufReader): void {
    this.#declared = true;
    const outer = reader.enter();
    for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
      if (tag === DIM) this.#addDimension(reader);
      else if (tag === UNKNOWN_RANK) this.#unknownRank = reader.readBool();
      else reader.skip(tag);
    }
    reader.leave(outer);
  }

  finish(): Pick<DeclaredTensor, "shape" | "dimensionNames"> {
    // Without any shape nothing is declared; an empty one is a scalar's.
    if (!this.#declared || this.#unknownRank) return { shape: undefined, dimensionNames: [] };
    return { shape: this.#sizes, dimensionNames: this.#names.some((name) => name !== "") ? this.#names : [] };
  }

  #addDimension(reader: ProtobufReader): void {
    let size = 0;
    let name = "";
    const outer = reader.enter();
    for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
      if (tag === DIM_SIZE) size = reader.readInt64AsNumber();
      else if (tag === DIM_NAME) name = reader.readString();
      else reader.skip(tag);
    }
    reader.leave(outer);
    this.#sizes.push(Number.isSafeInteger(size) && size >= 0 ? size : -1);
    this.#names.push(name);
  }
}

/** Why a tensor cannot be sent as an input; undefined when it can. */
function faultOfInput({ alias, encoding, name, dataType }: DeclaredTensor): string | undefined {
  const input = `input ${JSON.stringify(alias)}`;
  if (encoding !== "name") return `${input} is a ${encoding} tensor`;
  if (declaredDType(dataType) === undefined) return `${input} has the data type ${nameOfDataType(dataType)}`;
  return name === "" ? `${input} has no name in the graph` : undefined;
}

function tensorInfo(declared: DeclaredTensor, optional = false): TensorInfo | undefined {
  const { alias, name, shape, dimensionNames } = declared;
  const dtype = declaredDType(declared.dataType);
  if (dtype === undefined || name === "") return undefined;
  return {
    alias,
    name,
    dtype,
    shape,
    ...(dimensionNames.length > 0 && { dimensionNames }),
    ...(optional && { optional }),
  };
}
