import { ServingError } from "../../base/serving-error.ts";
import { readZipBytes } from "../../base/zip/zip-bytes.ts";
import type { PickleValue } from "../pickle/pickle-value.ts";
import { readSkops, type SkopsOptions } from "./read-skops.ts";
import type { Sparse } from "./sparse-matrix.ts";

/** How much larger than its archive a model may be. */
const MOST_RATIO = 200;
const LEAST = 2 ** 20;
const MOST_BYTES = 2 ** 31 - 1;
const LONGEST_SCHEMA = 2 ** 28;

/**
 * What a file of skops's has: the plain data that a pickle of the same object would be.
 *
 * @param name what errors call it
 * @throws ServingError as `readSkops` and `readZipBytes`; resource-exhausted for what is more than 200 times as large (and 1 MiB)
 */
export async function readSkopsFile(
  name: string,
  bytes: Buffer,
  allows: SkopsOptions["allows"],
  signal: AbortSignal,
): Promise<PickleValue> {
  const mostBytes = Math.min(MOST_BYTES, Math.max(LEAST, bytes.length * MOST_RATIO));
  const files = await readZipBytes(name, bytes, mostBytes, signal);
  const schema = files.get("schema.json");
  if (schema === undefined) throw new ServingError("data-loss", "it is an archive without schema.json, so none of skops's");
  if (schema.length > LONGEST_SCHEMA) {
    throw new ServingError("resource-exhausted", `schema.json has more than ${LONGEST_SCHEMA} bytes`);
  }
  // Sparse matrices are archives of their own.
  const sparse = new Map<string, Sparse>();
  let left = mostBytes;
  for (const [member, content] of files) {
    if (!member.endsWith(".npz")) continue;
    const arrays = await readZipBytes(member, content, left, signal);
    for (const array of arrays.values()) left -= array.length;
    sparse.set(member, arrays);
  }
  return readSkops(schema.toString("utf8"), {
    allows,
    file: (member) => files.get(member),
    sparse: (member) => sparse.get(member),
  });
}
