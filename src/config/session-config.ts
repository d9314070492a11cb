import { ConfigProtoSchema } from "../gen/tensorflow/core/protobuf/config_pb.ts";
import { type ConfigObject, configObject, describeValue, isConfigObject } from "./config-value.ts";
import { MessageEncoder, type RefuseValue } from "./message-encoder.ts";

/** Simple TensorFlow Serving's keys for what is in `gpu_options`; its other two are fields of ConfigProto. */
const GPU_KEYS: readonly string[] = ["allow_growth", "per_process_gpu_memory_fraction"];

const GPU_OPTIONS = "gpu_options";

/**
 * A session config in JSON as a serialized `tensorflow.ConfigProto`: Simple TensorFlow Serving's keys, and ConfigProto's fields in
 * protobuf's JSON form under their own names. The same bytes in whatever order keys are written; see {@link MessageEncoder}.
 *
 * @throws what `refuse` gives
 */
export function encodeSessionConfig(value: unknown, refuse: RefuseValue): Uint8Array {
  if (!isConfigObject(value)) throw refuse([], "value", `expected a mapping, got ${describeValue(value)}`);
  const flat = GPU_KEYS.filter((key) => key in value);
  const encoder = new MessageEncoder((path, part, message) => {
    const written = path[0] === GPU_OPTIONS && flat.includes(String(path[1])) ? path.slice(1) : path;
    return refuse(written, part, message);
  });
  const message = flat.length === 0 ? value : unflattened(value, flat, refuse);
  return encoder.encode(ConfigProtoSchema, message, "session_config", GPU_KEYS);
}

/** With the flat keys where ConfigProto has them. */
function unflattened(value: ConfigObject, flat: readonly string[], refuse: RefuseValue): ConfigObject {
  const options = value[GPU_OPTIONS] ?? {};
  if (!isConfigObject(options)) throw refuse([GPU_OPTIONS], "value", `expected a mapping, got ${describeValue(options)}`);
  const twice = flat.find((key) => key in options);
  if (twice !== undefined) throw refuse([twice], "key", `${twice} is in ${GPU_OPTIONS} as well`);
  const entries = Object.entries(value).filter(([key]) => !flat.includes(key) && key !== GPU_OPTIONS);
  const gpu = configObject([...Object.entries(options), ...flat.map((key) => [key, value[key]!] as const)]);
  return configObject([...entries, [GPU_OPTIONS, gpu]]);
}
