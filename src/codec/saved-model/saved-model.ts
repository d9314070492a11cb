import { ServingError } from "../../base/serving-error.ts";
import { readMapEntry } from "../protobuf/map-entry.ts";
import { readName } from "../protobuf/read-name.ts";
import { type ByteWindow, type MessagePlan, walkMessage } from "./message-walk.ts";

/** One graph of a SavedModel, as its file says it. */
export interface MetaGraph {
  /** In the file's order. */
  readonly tags: readonly string[];
  /** The TensorFlow that wrote it; empty when it does not say. */
  readonly tensorflowVersion: string;
  /** Serialized `tensorflow.SignatureDef`s by name. */
  readonly signatures: ReadonlyMap<string, Uint8Array>;
  /** The operations that its nodes and those of its functions are of, functions of the graph left out. */
  readonly opTypes: ReadonlySet<string>;
  /** Collections that Simple TensorFlow Serving takes for Python code to run on requests and answers; see {@link HOOK_COLLECTIONS}. */
  readonly hooks: ReadonlySet<string>;
}

/** Names of collections that hold marshalled Python code for Simple TensorFlow Serving. */
export const HOOK_COLLECTIONS: ReadonlySet<string> = new Set(["preprocess_function", "postprocess_function"]);

/** What a serving system has to know of a `tensorflow.SavedModel`. */
export interface SavedModel {
  /** 1 as far as is known; 0 when the file does not say. */
  readonly schemaVersion: number;
  readonly metaGraphs: readonly MetaGraph[];
}

/** Most bytes that tags, names of operations and signatures may have together: what is kept in memory of a file of any size. */
const MOST_KEPT = 64 * 1024 * 1024;

/**
 * Reads a serialized `tensorflow.SavedModel` of any size; of its graphs only the names of operations are looked at. Memory does not
 * grow with the file, and others run meanwhile.
 *
 * @param file the file's name, for errors
 * @throws ServingError data-loss when the bytes are no whole SavedModel, invalid-argument when they hold no graph; both name `file`.
 * The signal's reason once it aborts.
 */
export async function readSavedModel(window: ByteWindow, file: string, signal: AbortSignal): Promise<SavedModel> {
  if (window.size === 0) throw new ServingError("data-loss", `${file} is empty`);
  const model = new SavedModelDraft(file);
  const fault = (what: string, position: number): ServingError =>
    new ServingError("data-loss", `${file} is not a sound SavedModel: ${what} at byte ${position}`);
  await walkMessage(window, model.plan, fault, signal);
  return model.finish();
}

/** What a name and a graph take of it beside their bytes, roughly: empty ones are many in a few bytes of a file. */
const NAME_COST = 32;
const GRAPH_COST = 1024;

interface MetaGraphDraft {
  readonly tags: string[];
  readonly signatures: Map<string, Uint8Array>;
  readonly opTypes: Set<string>;
  readonly functions: Set<string>;
  readonly hooks: Set<string>;
  tensorflowVersion: string;
}

class SavedModelDraft {
  /** Field numbers of saved_model.proto, meta_graph.proto, graph.proto, function.proto, node_def.proto and op_def.proto. */
  readonly plan: MessagePlan;
  readonly #file: string;
  readonly #graphs: MetaGraphDraft[] = [];
  #schemaVersion = 0;
  #kept = 0;
  #op = "";
  #functionName = "";

  constructor(file: string) {
    this.#file = file;
    const node: MessagePlan = {
      begin: () => {
        this.#op = "";
      },
      take: {
        2: (bytes) => {
          this.#op = this.#text(bytes);
        },
      },
      end: () => this.#add(this.#graph.opTypes, this.#op),
    };
    const functionSignature: MessagePlan = {
      take: {
        1: (bytes) => {
          this.#functionName = this.#text(bytes);
        },
      },
    };
    const functionDef: MessagePlan = {
      begin: () => {
        this.#functionName = "";
      },
      enter: { 1: functionSignature, 3: node },
      end: () => this.#add(this.#graph.functions, this.#functionName),
    };
    const information: MessagePlan = {
      take: {
        4: (bytes) => this.#graph.tags.push(this.#keep(bytes, this.#text(bytes))),
        5: (bytes) => {
          this.#graph.tensorflowVersion = this.#text(bytes);
        },
      },
    };
    // Only the key of the map's entry: the value may be of any size.
    const collection: MessagePlan = {
      take: {
        1: (bytes) => {
          const name = this.#text(bytes);
          if (HOOK_COLLECTIONS.has(name)) this.#graph.hooks.add(name);
        },
      },
    };
    const metaGraph: MessagePlan = {
      begin: () => {
        this.#spend(GRAPH_COST);
        const none = {
          tags: [],
          signatures: new Map(),
          opTypes: new Set<string>(),
          functions: new Set<string>(),
          hooks: new Set<string>(),
        };
        this.#graphs.push({ ...none, tensorflowVersion: "" });
      },
      enter: { 1: information, 2: { enter: { 1: node, 2: { enter: { 1: functionDef } } } }, 4: collection },
      take: {
        5: (bytes) => {
          const { key, value } = readMapEntry(this.#keep(bytes, bytes));
          this.#graph.signatures.set(key, value);
        },
      },
    };
    this.plan = {
      number: {
        1: (value) => {
          this.#schemaVersion = value;
        },
      },
      take: {
        1: () => {
          throw new ServingError("invalid-argument", "its version is no number, as in a GraphDef");
        },
      },
      enter: { 2: metaGraph },
    };
  }

  /** @throws ServingError invalid-argument when there is no graph. */
  finish(): SavedModel {
    if (this.#graphs.length === 0) {
      throw new ServingError("invalid-argument", `${this.#file} is not a SavedModel: it holds no graph`);
    }
    const metaGraphs = this.#graphs.map(({ functions, ...graph }): MetaGraph => {
      for (const name of functions) graph.opTypes.delete(name);
      return graph;
    });
    return { schemaVersion: this.#schemaVersion, metaGraphs };
  }

  get #graph(): MetaGraphDraft {
    return this.#graphs[this.#graphs.length - 1];
  }

  #text(bytes: Uint8Array): string {
    return readName(bytes, 0, bytes.length);
  }

  /** Counts a name that is kept. */
  #keep<Kept>({ length }: Uint8Array | string, kept: Kept): Kept {
    this.#spend(length + NAME_COST);
    return kept;
  }

  #spend(bytes: number): void {
    this.#kept += bytes;
    if (this.#kept > MOST_KEPT) {
      throw new ServingError("invalid-argument", `its names and signatures have more than ${MOST_KEPT} bytes`);
    }
  }

  #add(names: Set<string>, name: string): void {
    if (name !== "" && !names.has(name)) names.add(this.#keep(name, name));
  }
}
