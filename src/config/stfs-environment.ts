import { ServingError } from "../base/serving-error.ts";
import { type FlagValue, parseFlagValue } from "./flag-value.ts";
import { findFlag } from "./flags.ts";

/** A variable of the environment and the flag that it stands for. */
interface StfsVariable {
  readonly variable: string;
  readonly flag: string;
}

/** Simple TensorFlow Serving's variables. */
export const STFS_VARIABLES: readonly StfsVariable[] = [
  { variable: "STFS_HOST", flag: "host" },
  { variable: "STFS_PORT", flag: "port" },
  { variable: "STFS_MODEL_NAME", flag: "model_name" },
  { variable: "STFS_MODEL_BASE_PATH", flag: "model_base_path" },
  { variable: "STFS_MODEL_PLATFORM", flag: "model_platform" },
  { variable: "STFS_MODEL_CONFIG_FILE", flag: "model_config_file" },
  { variable: "STFS_RELOAD_MODELS", flag: "reload_models" },
  { variable: "STFS_CUSTOM_OP_PATHS", flag: "custom_op_paths" },
  { variable: "STFS_SESSION_CONFIG", flag: "session_config" },
  { variable: "STFS_DEBUG", flag: "debug" },
  { variable: "STFS_LOG_LEVEL", flag: "log_level" },
  { variable: "STFS_B64_AUTOCONVERT", flag: "enable_b64_autoconvert" },
  { variable: "STFS_DOWNLOAD_INFERENCE_IMAGES", flag: "download_inference_images" },
  { variable: "STFS_WORKERS", flag: "workers" },
  { variable: "STFS_THREADS", flag: "threads" },
  { variable: "STFS_ENABLE_AUTH", flag: "enable_auth" },
  { variable: "STFS_AUTH_USERNAME", flag: "auth_username" },
  { variable: "STFS_AUTH_PASSWORD", flag: "auth_password" },
  { variable: "STFS_ENABLE_SSL", flag: "enable_ssl" },
  { variable: "STFS_SECRET_PEM", flag: "secret_pem" },
  { variable: "STFS_SECRET_KEY", flag: "secret_key" },
  { variable: "STFS_ENABLE_CORS", flag: "enable_cors" },
];

/** Flags that say what to serve: where one is written, or a path, no variable says it. */
const WHAT_TO_SERVE: readonly string[] = ["model_base_path", "model_config_file"];

/**
 * The flags that were written, with those behind them that Simple TensorFlow Serving's variables say; an empty variable says nothing.
 * @throws ServingError invalid-argument that names the variable at fault.
 */
export function withStfsEnvironment(
  written: ReadonlyMap<string, FlagValue>,
  paths: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, FlagValue> {
  const said = paths.length > 0 || WHAT_TO_SERVE.some((flag) => written.has(flag));
  const values = new Map(written);
  for (const { variable, flag } of STFS_VARIABLES) {
    const text = environment[variable];
    if (!text || written.has(flag) || (said && WHAT_TO_SERVE.includes(flag))) continue;
    try {
      values.set(flag, parseFlagValue(findFlag(flag)!, text));
    } catch (reason) {
      throw new ServingError("invalid-argument", `${variable}: ${ServingError.from(reason).message}`, { cause: reason });
    }
  }
  return values;
}
