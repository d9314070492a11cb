import type { ProtobufReader } from "./protobuf/reader.ts";

/** Which model, version and signature a request means. At most one of `version` and `versionLabel` is set. */
export interface ModelSpec {
  /** Empty when the request has none. */
  readonly name: string;
  readonly version?: bigint;
  readonly versionLabel?: string;
  /** Empty when the request has none. */
  readonly signatureName: string;
}

/** A spec that is being read: every occurrence of the field merges into it. */
interface SpecParts {
  name: string;
  version?: bigint | undefined;
  versionLabel?: string | undefined;
  signatureName: string;
}

// Tags of tensorflow.serving.ModelSpec and google.protobuf.Int64Value.
const NAME = 0x0a;
const VERSION = 0x12;
const SIGNATURE_NAME = 0x1a;
const VERSION_LABEL = 0x22;
const WRAPPED_VALUE = 0x08;

/**
 * Reads a `tensorflow.serving.ModelSpec` field, whose tag was just read.
 * @param earlier what an earlier occurrence of the same field gave: the two are merged.
 * @throws ServingError invalid-argument for malformed bytes.
 */
export function readModelSpec(reader: ProtobufReader, earlier?: ModelSpec): ModelSpec {
  const spec: SpecParts = earlier === undefined ? { name: "", signatureName: "" } : { ...earlier };
  const outer = reader.enter();
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === NAME) spec.name = reader.readString();
    else if (tag === SIGNATURE_NAME) spec.signatureName = reader.readString();
    else if (tag === VERSION) {
      spec.version = readWrapped(reader, spec.version ?? 0n);
      spec.versionLabel = undefined;
    } else if (tag === VERSION_LABEL) {
      spec.versionLabel = reader.readString();
      spec.version = undefined;
    } else reader.skip(tag);
  }
  reader.leave(outer);
  return spec as ModelSpec;
}

function readWrapped(reader: ProtobufReader, value: bigint): bigint {
  const outer = reader.enter();
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === WRAPPED_VALUE) value = reader.readInt64();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return value;
}
