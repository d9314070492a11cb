import { ServingError } from "../base/serving-error.ts";
import type { TensorFlowOptions } from "../model/tensorflow-options.ts";
import { readTextFormatFile } from "./text-format-file.ts";

/** What the flags say of TensorFlow. Paths are absolute. */
export interface TensorFlowFlags {
  /** `--tensorflow_library` */
  readonly library: string | undefined;
  /** `--auto_install_runtimes` */
  readonly autoInstall: boolean;
  readonly savedModelTags: readonly string[];
  /** `--tensorflow_session_config_file` */
  readonly sessionConfigFile: string | undefined;
  /** `--session_config`, a JSON text. */
  readonly sessionConfig: string;
  /** Above 0, at most 1. */
  readonly gpuMemoryFraction: number | undefined;
  readonly intraOpThreads: number | undefined;
  readonly interOpThreads: number | undefined;
  readonly sessionTarget: string | undefined;
  readonly customOpPaths: readonly string[];
}

/**
 * How models are loaded that do not say otherwise: the session config file read, and what flags say over it, as with TensorFlow Serving;
 * `--session_config` goes before both. Without a file the defaults are soft placement, and GPU memory as it is needed. Rejects with a
 * ServingError not-found for a file that cannot be read, invalid-argument with line and column for a malformed one or a malformed
 * `--session_config`.
 */
export async function serverTensorFlow(flags: TensorFlowFlags): Promise<TensorFlowOptions> {
  const { savedModelTags, sessionTarget, customOpPaths } = flags;
  return {
    tags: savedModelTags,
    sessionConfig: await readSessionConfig(flags),
    ...(sessionTarget !== undefined && { sessionTarget }),
    ...(customOpPaths.length > 0 && { customOpPaths }),
  };
}

/**
 * What a session is made with where no file says all of it: a graph that was pinned to a device that is not here runs on one that is, and
 * a GPU's memory is taken as it is needed, since other models and processes may want some.
 */
const DEFAULTS = Uint8Array.of(
  // allow_soft_placement
  0x38,
  1,
  // gpu_options { allow_growth }
  0x32,
  2,
  0x20,
  1,
);

async function readSessionConfig(flags: TensorFlowFlags): Promise<Uint8Array> {
  const { sessionConfigFile: file, gpuMemoryFraction, intraOpThreads, interOpThreads } = flags;
  const written = /^\s*\{\s*\}\s*$/.test(flags.sessionConfig) ? undefined : flags.sessionConfig;
  const isSaid = [file, written, gpuMemoryFraction, intraOpThreads, interOpThreads].some((each) => each !== undefined);
  if (!isSaid) return DEFAULTS;
  const { create, toBinary } = await import("@bufbuild/protobuf");
  const { ConfigProtoSchema } = await import("../gen/tensorflow/core/protobuf/config_pb.ts");
  const read = file && (await readTextFormatFile("tensorflow_session_config_file", file, async () => ConfigProtoSchema));
  const flagged = create(ConfigProtoSchema, {
    ...(intraOpThreads !== undefined && { intraOpParallelismThreads: intraOpThreads }),
    ...(interOpThreads !== undefined && { interOpParallelismThreads: interOpThreads }),
    ...(gpuMemoryFraction !== undefined && { gpuOptions: { perProcessGpuMemoryFraction: gpuMemoryFraction } }),
  });
  // Messages one after the other are one that merges them.
  const parts = [
    read ? toBinary(ConfigProtoSchema, read.message) : DEFAULTS,
    toBinary(ConfigProtoSchema, flagged),
    ...(written === undefined ? [] : [await encodeFlag(written)]),
  ];
  return new Uint8Array(Buffer.concat(parts));
}

async function encodeFlag(text: string): Promise<Uint8Array> {
  const { ConfigTree } = await import("./config-tree.ts");
  const { nameOf } = await import("./model-config-fault.ts");
  const { encodeSessionConfig } = await import("./session-config.ts");
  try {
    const tree = new ConfigTree(text);
    return encodeSessionConfig(tree.value, (path, part, message) => {
      const subject = part === "key" || path.length === 0 ? "" : `${nameOf(path)}: `;
      return new ServingError("invalid-argument", `${tree.place(path, part)}: ${subject}${message}`);
    });
  } catch (reason) {
    const { code, message } = ServingError.from(reason);
    throw new ServingError(code, `--session_config: ${message}`, { cause: reason });
  }
}
