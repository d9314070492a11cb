import { ProtobufReader } from "../../codec/protobuf/reader.ts";
import type { TensorFlowLibrary } from "./library.ts";

// Tags of tensorflow.OpList and OpDef.
const OP = 0x0a;
const NAME = 0x0a;

/** Those of `names` that no op of the library has, custom ops that were loaded included; sorted. */
export function unregisteredOps(library: TensorFlowLibrary, names: readonly string[]): readonly string[] {
  const registered = registeredOps(library);
  return names.filter((name) => !registered.has(name)).sort();
}

function registeredOps(library: TensorFlowLibrary): ReadonlySet<string> {
  const { api } = library;
  const buffer = api.getAllOpList();
  try {
    // A `TF_Buffer` begins with the address and the length.
    const words = new BigUint64Array(new ArrayBuffer(16));
    library.copy(words, buffer, words.byteLength);
    const bytes = new Uint8Array(new ArrayBuffer(Number(words[1])));
    library.copy(bytes, words[0]!, bytes.length);
    return namesOf(new ProtobufReader(bytes));
  } finally {
    api.deleteBuffer(buffer);
  }
}

function namesOf(reader: ProtobufReader): ReadonlySet<string> {
  const names = new Set<string>();
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag !== OP) {
      reader.skip(tag);
      continue;
    }
    const outer = reader.enter();
    for (let inner = reader.readTag(); inner !== 0; inner = reader.readTag()) {
      if (inner === NAME) names.add(reader.readString());
      else reader.skip(inner);
    }
    reader.leave(outer);
  }
  return names;
}
