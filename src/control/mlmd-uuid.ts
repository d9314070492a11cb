import { open } from "node:fs/promises";
import { join } from "node:path";

/** Where a version keeps the identity of its ML Metadata record: TensorFlow Serving's place. */
const MLMD_FILE = join("assets.extra", "mlmd_uuid");

/** Longest identity read, in bytes; it becomes a label. */
const LONGEST_UUID = 1024;

/** The identity of a version's ML Metadata record, without white space around it; undefined when it carries none. Never rejects. */
export async function readMlmdUuid(versionPath: string): Promise<string | undefined> {
  try {
    const file = await open(join(versionPath, MLMD_FILE), "r");
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(LONGEST_UUID), 0, LONGEST_UUID, 0);
      return buffer.toString("utf8", 0, bytesRead).trim() || undefined;
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
