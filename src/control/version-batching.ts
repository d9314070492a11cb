import { lstat, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../base/log.ts";
import { resolveInside } from "../base/path-safety.ts";
import { ServingError } from "../base/serving-error.ts";
import { batchableSignatures } from "../batching/batchable.ts";
import { batchLimits, parseBatchLimits } from "../config/batching-parameters.ts";
import type { ServableId } from "../core/servable-id.ts";
import type { BatchingChoice, BatchLimits, ModelBatching, ServerBatching } from "../model/batching.ts";
import { checkBatchLimits } from "../model/check-batch-limits.ts";
import type { Signatures } from "../tensor/signature.ts";

/** A version's own parameters, in its folder. */
const PARAMETERS_FILE = "batching_params.pbtxt";
const MOST_BYTES = 64 * 1024;

/** Decides how versions are batched when they are loaded. */
export class VersionBatching {
  readonly #server: ServerBatching;
  readonly #log: Log;
  readonly #configured: (model: string) => BatchingChoice | undefined;

  /** `configured`: what the config says of a model now; it goes before what its versions and the server say. */
  constructor(server: ServerBatching, log: Log, configured: (model: string) => BatchingChoice | undefined = () => undefined) {
    this.#server = server;
    this.#log = log;
    this.#configured = configured;
  }

  /**
   * The limits of a version of `model` in `folder`; undefined when it is not to be batched, because it brings no parameters and each
   * version has to.
   * @throws ServingError invalid-argument for parameters that are malformed, contradict each other, or lie outside the folder.
   */
  async limits(model: string, folder: string): Promise<BatchLimits | undefined> {
    const { limits, perModel } = this.#server;
    const choice = this.#configured(model);
    const chosen = choice !== undefined ? batchLimits(choice) : perModel ? await ownLimits(folder) : limits;
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
