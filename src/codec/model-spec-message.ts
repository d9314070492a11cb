import { delimitedSize, int64Size, utf8Size } from "./protobuf/size.ts";
import type { ProtobufWriter } from "./protobuf/writer.ts";

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

/** Bytes of the `tensorflow.serving.ModelSpec` that {@link writeServedSpec} writes. */
export function servedSpecSize(spec: ServedSpec): number {
  return textSize(spec.name) + 1 + delimitedSize(versionSize(spec.version)) + textSize(spec.signatureName);
}

/** Writes a `tensorflow.serving.ModelSpec`: the version is always there, version 0 as an empty wrapper. */
export function writeServedSpec(writer: ProtobufWriter, spec: ServedSpec): void {
  writeText(writer, NAME, spec.name);
  writer.writeVarint32(VERSION);
  writer.writeVarint32(versionSize(spec.version));
  if (spec.version !== 0n) {
    writer.writeVarint32(WRAPPED_VALUE);
    writer.writeInt64(spec.version);
  }
  writeText(writer, SIGNATURE_NAME, spec.signatureName);
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
