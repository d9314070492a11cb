import { ProtobufReader } from "../../codec/protobuf/reader.ts";

/** How much of a file {@link beginsLikeGraphDef} may need, in bytes. */
export const FIRST_BYTES = 4096;

// Tags of GraphDef and NodeDef.
const NODE = 0x0a;
const NAME = 0x0a;
const OP = 0x12;

/** How operations are named. */
const OP_TYPE = /^[A-Za-z_][A-Za-z0-9_.>/-]*$/;

/** Whether the first bytes of a file are those of a serialized `tensorflow.GraphDef`: a node with a name and an operation. */
export function beginsLikeGraphDef(first: Uint8Array): boolean {
  // Lengths may reach over what was read of the file.
  const reader = new ProtobufReader(first, 0, Number.MAX_SAFE_INTEGER);
  try {
    if (reader.readTag() !== NODE) return false;
    reader.readLength();
    if (reader.readTag() !== NAME) return false;
    const length = reader.readLength();
    reader.position += length;
    return reader.readTag() === OP && OP_TYPE.test(reader.readString());
  } catch {
    return false;
  }
}
