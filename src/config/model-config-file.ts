import { basename, dirname, extname } from "node:path";
import type { ConfigDocument, ConfigOrigin } from "./model-config-document.ts";
import type { ModelConfigRules } from "./model-config-rules.ts";
import type { ModelServerConfigText } from "./model-server-config.ts";

/** A model config file, read. */
export type ModelConfigFile = {
  /** `FILE:LINE:COL` of the version that a label of a model stands for; in text format, of the model. */
  readonly labelPlace: (model: string, label: string) => string;
} & (
  | /** A `tensorflow.serving.ModelServerConfig` in protobuf text format. */ ({
      readonly kind: "text-format";
    } & ModelServerConfigText)
  | ({ readonly kind: "document" } & ConfigDocument)
);

/** Blanks and comments, which look alike in every form. */
const PREAMBLE = /^\ufeff?(?:[ \t\r\n\v\f]|#[^\n]*)*/;

/** A message's field, and its braces behind it. */
const TEXT_FORMAT = /^(?:model_config_list|custom_model_config)(?:[ \t\r\n\v\f:]|#[^\n]*\n)*[{<]/;

/** What neither a message nor a scalar of text format begins with, or a key of ours. */
const DOCUMENT = /^(?:[{["'%&!?-]|(?:models|model_config_list|\$schema)[ \t]*:)/;

const DOCUMENT_EXTENSIONS: ReadonlySet<string> = new Set([".yaml", ".yml", ".json"]);

/** Whether a config file is in protobuf text format, rather than YAML or JSON: by its content, or else by its name. */
export function isTextFormat(text: string, path: string): boolean {
  const start = text.slice(PREAMBLE.exec(text)![0].length);
  if (TEXT_FORMAT.test(start)) return true;
  return !DOCUMENT_EXTENSIONS.has(extname(path).toLowerCase()) && !DOCUMENT.test(start);
}

/**
 * Reads a model config file in any of its forms. Relative base paths are below `rules.rootFolder` in text format, below the
 * file's folder in our own form, and below the working folder in Simple TensorFlow Serving's.
 * @throws ServingError invalid-argument that begins with the file's name, line and column; a syntax error of text format
 * begins with TensorFlow Serving's words, and has line and column behind them
 */
export async function parseModelConfigFile(text: string, path: string, rules: ModelConfigRules): Promise<ModelConfigFile> {
  // Loaded when first needed: each of the readers costs a large part of what a start would otherwise wait for.
  if (isTextFormat(text, path)) {
    const { readModelServerConfig } = await import("./model-server-config.ts");
    const { placeInText } = await import("../codec/text-format/text-format-error.ts");
    const read = readModelServerConfig(text, rules, basename(path));
    const labelPlace = (model: string) => `${basename(path)}:${placeInText(text, read.spans.models.get(model)?.whole.open ?? 0)}`;
    return { kind: "text-format", labelPlace, ...read };
  }
  const { parseModelConfigDocument, modelPath } = await import("./model-config-document.ts");
  const document = await parseModelConfigDocument(text, originOf(path), rules);
  const labelPlace = (model: string, label: string) =>
    `${basename(path)}:${document.tree.place([...modelPath(document, model), "labels", label])}`;
  return { kind: "document", labelPlace, ...document };
}

function originOf(path: string): ConfigOrigin {
  return { file: basename(path), folder: dirname(path), workingFolder: process.cwd() };
}
