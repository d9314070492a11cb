import { lstat, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../base/log.ts";
import { resolveInside } from "../base/path-safety.ts";
import { ServingError } from "../base/serving-error.ts";
import { batchableSignatures } from "../batching/batchable.ts";
import { checkBatchLimits } from "../batching/check-limits.ts";
import { parseBatchLimits } from "../config/batching-parameters.ts";
import type { ServableId } from "../core/servable-id.ts";
import type { BatchLimits, ModelBatching, ServerBatching } from "../model/batching.ts";
import type { Signatures } from "../tensor/signature.ts";

/** A version's own parameters, in its folder. */
const PARAMETERS_FILE = "batching_params.pbtxt";
const MOST_BYTES = 64 * 1024;

/** Decides how versions are batched when they are loaded. */
export class VersionBatching {
  readonly #server: ServerBatching;
  readonly #log: Log;

  constructor(server: ServerBatching, log: Log) {
    this.#server = server;
    this.#log = log;
  }

  /**
   * The limits of the version in `folder`; undefined when it is not to be batched, because it brings no parameters and each version
   * has to.
   * @throws ServingError invalid-argument for parameters that are malformed, contradict each other, or lie outside the folder.
   */
  async limits(folder: string): Promise<BatchLimits | undefined> {
    const { limits, perModel } = this.#server;
    const chosen = perModel ? await ownLimits(folder) : limits;
    if (chosen !== undefined) checkBatchLimits(chosen);
    return chosen;
  }

  /** What the serving threads are told; signatures that cannot be batched are logged with the reason. */
  plan(id: ServableId, limits: BatchLimits, signatures: Signatures): ModelBatching {
    const { batched, unbatched } = batchableSignatures(signatures);
    for (const { signature, reason } of unbatched) {
      this.#log.info("signature_not_batched", { model: id.name, version: String(id.version), signature, reason });
    }
    return { limits, signatures: batched };
  }
}

async function ownLimits(folder: string): Promise<BatchLimits | undefined> {
  try {
    await lstat(join(folder, PARAMETERS_FILE));
  } catch {
    return undefined;
  }
  const path = await resolveInside(folder, PARAMETERS_FILE);
  if ((await stat(path)).size > MOST_BYTES) {
    throw new ServingError("invalid-argument", `${PARAMETERS_FILE} is longer than ${MOST_BYTES} bytes`);
  }
  return await parseBatchLimits(await readFile(path, "utf8"), PARAMETERS_FILE);
}
