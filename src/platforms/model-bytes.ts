import type { FileHandle } from "node:fs/promises";
import { throwIfAborted } from "../base/abort.ts";
import { ServingError } from "../base/serving-error.ts";

const CHUNK_BYTES = 4 << 20;
const MOST_BYTES = 2 ** 31 - 1;

/**
 * All bytes of the open model file `name`, read in pieces.
 * @throws ServingError unimplemented for more than 2 GiB; the signal's reason once it aborts.
 */
export async function modelBytes(handle: FileHandle, name: string, signal: AbortSignal): Promise<Buffer> {
  const { size } = await handle.stat();
  if (size > MOST_BYTES) throw new ServingError("unimplemented", `${name} has ${size} bytes, more than 2 GiB`);
  const bytes = Buffer.allocUnsafeSlow(size);
  let length = 0;
  while (length < size) {
    throwIfAborted(signal);
    const { bytesRead } = await handle.read(bytes, length, Math.min(CHUNK_BYTES, size - length), length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}
