import { delimitedSize, int64Size, utf8Size } from "./protobuf/size.ts";
import { ProtobufWriter } from "./protobuf/writer.ts";

/** What a request was resolved to, as answers tell it. */
export interface ServedSpec {
  readonly name: string;
  readonly version: bigint;
  readonly signatureName: string;
}

const NAME = 0x0a;
const VERSION = 0x12;
const SIGNATURE_NAME = 0x1a;
const WRAPPED_VALUE = 0x08;

let last: ServedSpec = { name: "", version: -1n, signatureName: "" };
let lastBytes: Uint8Array = new Uint8Array(0);

/**
 * The `tensorflow.serving.ModelSpec` of an answer: the version is always there, version 0 as an empty wrapper. The same bytes for
 * the same spec in a row, so they must not be changed.
 */
export function servedSpecBytes(spec: ServedSpec): Uint8Array {
  if (spec.name !== last.name || spec.signatureName !== last.signatureName || spec.version !== last.version) {
    lastBytes = encode(spec);
    last = spec;
  }
  return lastBytes;
}

function encode(spec: ServedSpec): Uint8Array {
  const versionLength = versionSize(spec.version);
  const size = textSize(spec.name) + 1 + delimitedSize(versionLength) + textSize(spec.signatureName);
  const writer = ProtobufWriter.allocate(size);
  writeText(writer, NAME, spec.name);
  writer.writeVarint32(VERSION);
  writer.writeVarint32(versionLength);
  if (spec.version !== 0n) {
    writer.writeVarint32(WRAPPED_VALUE);
    writer.writeInt64(spec.version);
  }
  writeText(writer, SIGNATURE_NAME, spec.signatureName);
  return writer.finish();
}

function versionSize(version: bigint): number {
  return version === 0n ? 0 : 1 + int64Size(version);
}

function textSize(text: string): number {
  return text === "" ? 0 : 1 + delimitedSize(utf8Size(text));
}

function writeText(writer: ProtobufWriter, tag: number, text: string): void {
  if (text === "") return;
  writer.writeVarint32(tag);
  writer.writeString(text, utf8Size(text));
}
