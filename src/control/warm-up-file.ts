import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { resolveInside } from "../base/path-safety.ts";
import { ServingError } from "../base/serving-error.ts";
import { TfRecordReader } from "../codec/tf-record/tf-record-reader.ts";

/** Where a version keeps the requests it is warmed up with, below its own folder: TensorFlow Serving's place. */
export const WARM_UP_FILE = "assets.extra/tf_serving_warmup_requests";

/** Bytes that are read at once. */
const CHUNK_BYTES = 256 * 1024;

/**
 * The real path of a version's {@link WARM_UP_FILE}; undefined when it has none.
 * Rejects with ServingError invalid-argument when it is no regular file inside the version's folder.
 */
export async function findWarmUpFile(folder: string): Promise<string | undefined> {
  try {
    await stat(join(folder, WARM_UP_FILE));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new ServingError("invalid-argument", `${WARM_UP_FILE} cannot be read`, { cause });
  }
  return await resolveInside(folder, WARM_UP_FILE);
}

/**
 * The records of a TFRecord file, read as they are asked for. Throws ServingError data-loss for a damaged file, with the place in it,
 * failed-precondition for one that cannot be read, and the signal's reason once it aborts. The file is closed whatever happens.
 */
export async function* readRecords(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  const reader = new TfRecordReader();
  for await (const chunk of chunksOf(path, signal)) {
    reader.push(chunk);
    for (let record = take(reader); record !== undefined; record = take(reader)) yield record;
  }
  named(() => reader.end());
}

async function* chunksOf(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  try {
    yield* createReadStream(path, { highWaterMark: CHUNK_BYTES, signal }) as AsyncIterable<Uint8Array>;
  } catch (cause) {
    signal.throwIfAborted();
    throw new ServingError("failed-precondition", `${WARM_UP_FILE} cannot be read`, { cause });
  }
}

function take(reader: TfRecordReader): Uint8Array | undefined {
  return named(() => reader.next());
}

function named<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (reason) {
    const { code, message } = ServingError.from(reason);
    throw new ServingError(code, `${WARM_UP_FILE}: ${message}`, { cause: reason });
  }
}
