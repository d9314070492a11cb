import { type Mojo, readMojo } from "./mojo.ts";
import { damaged, nestedFiles, notCovered } from "./mojo-files.ts";
import type { Scored } from "./scored.ts";

/** Models in models, and all of them together. */
const MOST_DEPTH = 8;
const MOST_MODELS = 2000;

/** What adds a model to the program; its rows are a value, as are offsets. */
export type CompileModel = (mojo: Mojo, rows: string, depth: ModelDepth) => Promise<Scored>;

/** How deep in others a model is, and how many there are. */
export interface ModelDepth {
  readonly depth: number;
  readonly count: { models: number };
}

/** The models that a model is made of, by their keys. */
export class Submodels {
  readonly #mojo: Mojo;
  readonly #folders = new Map<string, string>();
  readonly #depth: ModelDepth;

  /** @throws ServingError data-loss for folders that are none; unimplemented for models too deep in others */
  constructor(mojo: Mojo, { depth, count }: ModelDepth) {
    const { settings, where } = mojo;
    if (depth >= MOST_DEPTH) throw notCovered(where, `a model in more than ${MOST_DEPTH} others`);
    this.#mojo = mojo;
    this.#depth = { depth: depth + 1, count };
    const models = settings.count("submodel_count", 0, MOST_MODELS, 0);
    for (let i = 0; i < models; i++) {
      const folder = settings.text(`submodel_dir_${i}`);
      // One that is empty would be the model itself.
      if (folder === "" || !folder.endsWith("/")) throw damaged(where, `has a model in ${JSON.stringify(folder.slice(0, 60))}`);
      this.#folders.set(settings.text(`submodel_key_${i}`), folder);
    }
  }

  /** @throws ServingError data-loss when it is not there */
  async read(key: string, signal: AbortSignal): Promise<Mojo> {
    const { files, where } = this.#mojo;
    const folder = this.#folders.get(key);
    if (folder === undefined) throw damaged(where, `has no model ${JSON.stringify(key.slice(0, 80))}`);
    if (++this.#depth.count.models > MOST_MODELS) throw notCovered(where, `a model of more than ${MOST_MODELS} others`);
    return await readMojo(nestedFiles(files, folder), signal);
  }

  /** What the models in this one have to be compiled with. */
  get depth(): ModelDepth {
    return this.#depth;
  }
}
