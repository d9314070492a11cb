import { toBinary } from "@bufbuild/protobuf";
import { ServingError } from "../../base/serving-error.ts";
import { type MetaGraphDef, SignatureDefSchema } from "../../gen/tensorflow/core/protobuf/meta_graph_pb.ts";
import { SavedModelSchema } from "../../gen/tensorflow/core/protobuf/saved_model_pb.ts";
import { parseTextFormat } from "../text-format/parse-text-format.ts";
import { HOOK_COLLECTIONS, type MetaGraph, type SavedModel } from "./saved-model.ts";

/**
 * Reads a `tensorflow.SavedModel` in text format. Fields that are not known here are passed over: the engine judges them.
 *
 * @param file the file's name, for errors
 * @throws ServingError invalid-argument, naming `file`, and the place in the text where it is malformed.
 */
export function readSavedModelText(text: string, file: string): SavedModel {
  const { savedModelSchemaVersion, metaGraphs } = parse(text, file);
  if (metaGraphs.length === 0) throw new ServingError("invalid-argument", `${file} is not a SavedModel: it holds no graph`);
  return { schemaVersion: Number(savedModelSchemaVersion), metaGraphs: metaGraphs.map(metaGraph) };
}

function parse(text: string, file: string) {
  try {
    return parseTextFormat(SavedModelSchema, text, undefined, "skip");
  } catch (cause) {
    const { code, message } = ServingError.from(cause);
    throw new ServingError(code, `${file} is not a sound SavedModel: ${message}`, { cause });
  }
}

function metaGraph({ metaInfoDef, graphDef, signatureDef, collectionDef }: MetaGraphDef): MetaGraph {
  const functions = graphDef?.library?.function ?? [];
  const nodes = [graphDef?.node ?? [], ...functions.map(({ nodeDef }) => nodeDef)].flat();
  const opTypes = new Set(nodes.map(({ op }) => op));
  for (const { signature } of functions) opTypes.delete(signature?.name ?? "");
  opTypes.delete("");
  return {
    tags: metaInfoDef?.tags ?? [],
    tensorflowVersion: metaInfoDef?.tensorflowVersion ?? "",
    signatures: new Map(
      Object.entries(signatureDef).map(([name, definition]) => [name, toBinary(SignatureDefSchema, definition)]),
    ),
    opTypes,
    hooks: new Set(Object.keys(collectionDef).filter((name) => HOOK_COLLECTIONS.has(name))),
  };
}
