import { isAbsolute, join } from "node:path";
import type { TensorFlowOptions } from "../model/tensorflow-options.ts";
import type { ConfigPath } from "./config-tree.ts";
import type { ConfigObject } from "./config-value.ts";
import type { ModelConfig } from "./model-config.ts";
import { nameOf } from "./model-config-fault.ts";
import type { Refuse } from "./model-config-rules.ts";
import type { ModelShape } from "./model-config-schema.ts";

/** Where a model stands in its text, and what refuses a part of that text. */
export interface ModelPlace {
  readonly path: ConfigPath;
  readonly refuse: (path: ConfigPath, part?: "key" | "value") => Refuse;
}

/**
 * What a model's config says of TensorFlow; what is empty is not said. Relative paths of custom ops are below `folder`, if there is
 * one. Rejects with what `place` gives.
 */
export async function resolveTensorFlow(
  shape: ModelShape,
  folder: string | undefined,
  place: ModelPlace,
): Promise<Pick<ModelConfig, "tensorflow" | "sessionConfig">> {
  const { session_config, session_target, custom_op_paths, saved_model_tags } = shape;
  const sessionConfig = session_config as ConfigObject | undefined;
  const saysSession = sessionConfig !== undefined && Object.keys(sessionConfig).length > 0;
  const customOpPaths = resolveCustomOpPaths(custom_op_paths, folder, place);
  const tensorflow: TensorFlowOptions = {
    ...(saysSession && { sessionConfig: await encode(sessionConfig, place) }),
    ...(session_target !== undefined && { sessionTarget: session_target }),
    ...(customOpPaths.length > 0 && { customOpPaths }),
    ...(saved_model_tags !== undefined && { tags: saved_model_tags }),
  };
  if (Object.keys(tensorflow).length === 0) return {};
  return { tensorflow, ...(saysSession && { sessionConfig }) };
}

async function encode(sessionConfig: ConfigObject, { path, refuse }: ModelPlace): Promise<Uint8Array> {
  // Loaded when first needed: what describes the messages is a large part of what a start would otherwise wait for.
  const { encodeSessionConfig } = await import("./session-config.ts");
  return encodeSessionConfig(sessionConfig, (steps, part, message) => {
    const whole = [...path, "session_config", ...steps];
    return refuse(whole, part)(part === "key" ? message : `${nameOf(whole)}: ${message}`);
  });
}

function resolveCustomOpPaths(
  written: string | readonly string[] | undefined,
  folder: string | undefined,
  { path, refuse }: ModelPlace,
): readonly string[] {
  const refusePaths = refuse([...path, "custom_op_paths"]);
  const paths = typeof written === "string" ? written.split(",").map((each) => each.trim()) : (written ?? []);
  return paths
    .filter((each) => each !== "")
    .map((each) => {
      if (each.includes("\0")) throw refusePaths("custom_op_paths has a path with a NUL character");
      if (isAbsolute(each)) return each;
      if (folder === undefined) throw refusePaths(`custom_op_paths needs absolute paths here, got ${each}`);
      return join(folder, each);
    });
}
