import type { TensorFlowOptions } from "../model/tensorflow-options.ts";

/** What a model's TensorFlow options are written as; the session config, which is not written as it is kept, is beside them. */
export const TENSORFLOW_KEYS: ReadonlyMap<string, Exclude<keyof TensorFlowOptions, "sessionConfig">> = new Map([
  ["session_target", "sessionTarget"],
  ["custom_op_paths", "customOpPaths"],
  ["saved_model_tags", "tags"],
]);

/** What names a TensorFlow server: its host, an IPv6 address in brackets, and its port. */
export const SESSION_TARGET = /^grpc:\/\/(?:\[[0-9A-Fa-f:.]+\]|[^\s/:[\]]+):[0-9]{1,5}$/;
