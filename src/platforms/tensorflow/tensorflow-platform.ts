import { ServingError } from "../../base/serving-error.ts";
import { readSignatureDef } from "../../codec/read-signature-def.ts";
import type { MetaGraph } from "../../codec/saved-model/saved-model.ts";
import type { Detection, Platform, ReadOptions } from "../../model/platform.ts";
import type { SavedModelProgram } from "../../model/program.ts";
import type { Signature } from "../../tensor/signature.ts";
import { chooseMetaGraph } from "./meta-graph.ts";
import { readSavedModelFile } from "./read-saved-model.ts";
import { findSavedModel, hasVariables, variablesBytes } from "./saved-model-folder.ts";
import { sessionOverrides } from "./session-overrides-file.ts";

/** The tags of a graph that is to be served, where nobody says other ones. */
const SERVE = ["serve"];

/** TensorFlow's SavedModels, of TensorFlow 1 and 2. */
export const tensorflowPlatform = {
  name: "tensorflow",

  async detect(path: string): Promise<Detection | undefined> {
    const found = await findSavedModel(path);
    return found && { why: found.why };
  },

  /** Reads what the graph says of itself; whether the graph and its variables are sound is the engine's to say. */
  async read(path: string, signal: AbortSignal, options: ReadOptions = {}): Promise<SavedModelProgram> {
    const { tags = SERVE } = options;
    const found = await findSavedModel(path);
    if (found === undefined) throw new ServingError("not-found", "there is no saved_model.pb and no saved_model.pbtxt");
    const { folder, file } = found;
    const { model, bytes } = await readSavedModelFile(found, signal);
    const graph = chooseMetaGraph(model, tags, file);
    const overrides = await sessionOverrides(folder);
    if (restoresVariables(graph) && !(await hasVariables(folder))) {
      throw new ServingError(
        "data-loss",
        `variables/variables.index is missing, and the graph of ${file} has variables: copy the whole folder`,
      );
    }
    return {
      runtime: "tensorflow",
      folder,
      tags: [...new Set(tags)],
      ...readSignatures(graph, file),
      bytes: bytes + (await variablesBytes(folder, signal)),
      tensorflowVersion: graph.tensorflowVersion,
      opTypes: [...graph.opTypes],
      ...(graph.hooks.size > 0 && { hooks: [...graph.hooks].sort() }),
      ...(overrides !== undefined && { sessionOverrides: overrides }),
    };
  },
} satisfies Platform;

/** The engine loads such a graph without its variables too, and then every request fails. */
function restoresVariables({ opTypes }: MetaGraph): boolean {
  return opTypes.has("RestoreV2") && ["VarHandleOp", "VariableV2", "Variable"].some((op) => opTypes.has(op));
}

function readSignatures(graph: MetaGraph, file: string): Pick<SavedModelProgram, "signatures" | "defaults"> {
  const signatures = new Map<string, Signature>();
  const defaults = new Map<string, ReadonlyMap<string, Uint8Array>>();
  for (const [name, definition] of graph.signatures) {
    const reading = readSignature(name, definition, file);
    signatures.set(name, reading.signature);
    if (reading.defaults.size > 0) defaults.set(name, reading.defaults);
  }
  return { signatures, defaults };
}

function readSignature(name: string, definition: Uint8Array, file: string): ReturnType<typeof readSignatureDef> {
  try {
    return readSignatureDef(definition);
  } catch (cause) {
    const { message } = ServingError.from(cause);
    throw new ServingError("data-loss", `signature ${JSON.stringify(name)} of ${file} cannot be read: ${message}`, { cause });
  }
}
