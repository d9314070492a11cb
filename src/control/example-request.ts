import { isUtf8 } from "node:buffer";
import { open, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { throwIfAborted } from "../base/abort.ts";
import { resolveInside } from "../base/path-safety.ts";
import { ServingError } from "../base/serving-error.ts";
import { AllocationBudget } from "../codec/allocation-budget.ts";
import { decodePredictionLog } from "../codec/prediction-log.ts";
import { predictRequestJson } from "../codec/prediction-log-json.ts";
import { findWarmUpFile, readRecords, WARM_UP_FILE } from "./warm-up-file.ts";

/** Where a model keeps a request that it answers: in a version's folder, or beside the folders of versions. */
const SAMPLE_FILE = "sample_request.json";

/** Longest request that is shown to anybody, in bytes of JSON. */
const LONGEST = 64 * 1024;

/** What decoding a recorded request may take in memory: a few bytes can describe a tensor of any size. */
const RECORDED_BUDGET = 1024 * 1024;

/** Records that are looked at for a Predict request. */
const MOST_RECORDS = 10;

/**
 * A request that a version is known to answer, as the body of a REST predict call: its `sample_request.json`, else that of its model, else
 * the first Predict of its recorded warm-up. Undefined where there is none of at most 64 KiB. `unusable` is told why one that is
 * there is not used. Rejects with nothing but the signal's reason once that aborts.
 */
export async function exampleRequest(
  path: string,
  signal: AbortSignal,
  unusable: (reason: string) => void,
): Promise<string | undefined> {
  const folders = /^[0-9]+$/.test(basename(path)) ? [path, dirname(path)] : [path];
  const attempts = [...folders.map((folder) => () => readSample(folder)), () => firstRecorded(path, signal)];
  for (const attempt of attempts) {
    try {
      const found = await attempt();
      if (found !== undefined) return found;
    } catch (reason) {
      throwIfAborted(signal);
      unusable(reason instanceof ServingError ? reason.message : `${SAMPLE_FILE} cannot be read`);
    }
  }
  return undefined;
}

async function readSample(folder: string): Promise<string | undefined> {
  const there = await stat(join(folder, SAMPLE_FILE)).then(
    () => true,
    () => false,
  );
  if (!there) return undefined;
  const file = await open(await resolveInside(folder, SAMPLE_FILE), "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LONGEST + 1), 0, LONGEST + 1, 0);
    if (bytesRead > LONGEST) throw tooLong(SAMPLE_FILE);
    const bytes = buffer.subarray(0, bytesRead);
    if (!isUtf8(bytes) || !isObject(bytes.toString("utf8"))) {
      throw new ServingError("invalid-argument", `${SAMPLE_FILE} must be a JSON object`);
    }
    return bytes.toString("utf8");
  } finally {
    await file.close();
  }
}

async function firstRecorded(path: string, signal: AbortSignal): Promise<string | undefined> {
  const file = await findWarmUpFile(path);
  if (file === undefined) return undefined;
  let records = 0;
  for await (const record of readRecords(file, signal)) {
    const { kind, request } = decodePredictionLog(record);
    if (kind === "predict" && request !== undefined) {
      if (request.length > LONGEST) throw tooLong(WARM_UP_FILE);
      const text = predictRequestJson(request, new AllocationBudget(RECORDED_BUDGET));
      if (text.length > LONGEST) throw tooLong(WARM_UP_FILE);
      return text;
    }
    if (++records === MOST_RECORDS) return undefined;
  }
  return undefined;
}

function tooLong(file: string): ServingError {
  return new ServingError("invalid-argument", `the request of ${file} is longer than ${LONGEST} bytes of JSON`);
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
