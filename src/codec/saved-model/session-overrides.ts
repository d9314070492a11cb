import { Buffer } from "node:buffer";
import { create, toBinary } from "@bufbuild/protobuf";
import { ConfigProtoSchema } from "../../gen/tensorflow/core/protobuf/config_pb.ts";
import { ProtobufReader } from "../protobuf/reader.ts";

/** Tag of `SavedModelConfig.session_overrides`. */
const SESSION_OVERRIDES = 0x0a;
/** Tag of `SessionOverrides.disable_meta_optimizer`. */
const DISABLE_META_OPTIMIZER = 0x18;

/** Graph optimizers that `SessionOverrides` configures, by its tags; the parameter is the message as base64. */
const OPTIMIZERS: ReadonlyMap<number, { readonly name: string; readonly parameter: string }> = new Map([
  [0x0a, { name: "remote_op_config_rewrite", parameter: "remote_op_rewrite_config" }],
  [0x12, { name: "batch_op_rewriter", parameter: "batch_op_rewrite_config" }],
]);

/**
 * What a serialized `tensorflow.serving.SavedModelConfig` (a model's `assets.extra/saved_model_config.pb`) changes of the session, as
 * TensorFlow Serving applies it: a serialized `tensorflow.ConfigProto` to be merged over the server's. Undefined when it changes nothing.
 *
 * @throws ServingError invalid-argument for malformed bytes.
 */
export function readSessionOverrides(config: Uint8Array): Uint8Array | undefined {
  let overridden = false;
  let disableMetaOptimizer = false;
  const messages = new Map<number, Uint8Array[]>([...OPTIMIZERS.keys()].map((tag) => [tag, []]));
  const reader = new ProtobufReader(config);
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag !== SESSION_OVERRIDES) {
      reader.skip(tag);
      continue;
    }
    overridden = true;
    const outer = reader.enter();
    for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
      if (tag === DISABLE_META_OPTIMIZER) disableMetaOptimizer = reader.readBool();
      else if (messages.has(tag)) messages.get(tag)?.push(reader.readBytes());
      else reader.skip(tag);
    }
    reader.leave(outer);
  }
  if (!overridden) return undefined;

  const customOptimizers = [...OPTIMIZERS].flatMap(([tag, { name, parameter }]) => {
    const message = messages.get(tag) ?? [];
    if (message.length === 0) return [];
    const s = Buffer.from(Buffer.concat(message).toString("base64"));
    return [{ name, parameterMap: { [parameter]: { value: { case: "s" as const, value: s } } } }];
  });
  const rewriteOptions = { disableMetaOptimizer, customOptimizers };
  return toBinary(ConfigProtoSchema, create(ConfigProtoSchema, { graphOptions: { rewriteOptions } }));
}
