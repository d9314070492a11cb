import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import koffi from "koffi";
import { prepareNativeCalls } from "../../base/native-calls.ts";
import { ServingError } from "../../base/serving-error.ts";
import { bindMemoryCopy, type MemoryCopy } from "../memory-copy.ts";
import type { Pointer } from "../native-calls.ts";
import { pinLibrary } from "../pin-library.ts";
import { bindApi, MINIMUM_API_VERSION, type OrtApi } from "./api-table.ts";
import { expectSuccess } from "./status.ts";

/** ONNX Runtime as one thread has it. Libraries live as long as the process. */
export interface OnnxLibrary extends MemoryCopy {
  readonly path: string;
  /** As the library says it: `1.30.0`. */
  readonly version: string;
  readonly api: OrtApi;
  /** `OrtMemoryInfo *` of plain memory. */
  readonly cpuMemory: Pointer;
  /** `OrtAllocator *` of plain memory. */
  readonly allocator: Pointer;
  /** Where calls write their results, read at once after the call. Never for an asynchronous call. */
  readonly result: BigUint64Array;
  /** The same place, for results of type `int`. */
  readonly integer: Int32Array;
}

/** Severity of log lines that reach standard error: fatal. Everything else is told by the status of the call. */
export const LOG_SEVERITY = 4;

const FILES: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  linux: "libonnxruntime.so.1",
  darwin: "libonnxruntime.1.dylib",
  win32: "onnxruntime.dll",
};

/**
 * Path of the library inside the npm package `onnxruntime-node`.
 * @throws ServingError failed-precondition when there is none for this machine.
 */
export function packagedLibrary(): string {
  const machine = `${process.platform}/${process.arch}`;
  const file = FILES[process.platform];
  if (file !== undefined) {
    try {
      const root = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
      const path = join(root, "bin", "napi-v6", process.platform, process.arch, file);
      if (existsSync(path)) return path;
    } catch (cause) {
      throw new ServingError(
        "failed-precondition",
        "the npm package onnxruntime-node is not installed; install it or name a library with --onnxruntime_library",
        { cause },
      );
    }
  }
  throw new ServingError(
    "failed-precondition",
    `onnxruntime-node has no library for ${machine}; name one with --onnxruntime_library`,
  );
}

const open = new Map<string, OnnxLibrary>();

/**
 * Opens the library at `path`, or the packaged one, in this thread; a second call gives the same.
 * @throws ServingError failed-precondition when it cannot be opened or is older than ONNX Runtime 1.18.
 */
export function openLibrary(path?: string): OnnxLibrary {
  const file = path ?? packagedLibrary();
  let library = open.get(file);
  if (library === undefined) {
    library = load(file);
    open.set(file, library);
  }
  return library;
}

function load(path: string): OnnxLibrary {
  const name = basename(path);
  prepareNativeCalls();
  let base: Pointer;
  try {
    const handle = koffi.load(path);
    pinLibrary(path);
    base = handle.func("OrtGetApiBase", "void *", [])() as Pointer;
  } catch (cause) {
    throw new ServingError("failed-precondition", `"${name}" cannot be opened as ONNX Runtime's library`, { cause });
  }
  const word = koffi.sizeof("void *");
  const getApi = koffi.decode(koffi.decode(base, "void *"), koffi.proto("void *", ["uint32_t"]));
  const getVersion = koffi.decode(koffi.decode(base, word, "void *"), koffi.proto("str", []));
  const version: string = getVersion();
  const minor = Number(/^1\.(\d+)\./.exec(version)?.[1] ?? Number.NaN);
  if (!(minor >= MINIMUM_API_VERSION)) {
    throw new ServingError(
      "failed-precondition",
      `"${name}" is ONNX Runtime ${version}; 1.${MINIMUM_API_VERSION} or later is needed`,
    );
  }
  const api = bindApi(getApi(MINIMUM_API_VERSION), minor);
  const result = new BigUint64Array(new ArrayBuffer(8));
  expectSuccess(api, api.createCpuMemoryInfo(ARENA_ALLOCATOR, DEFAULT_MEMORY, result));
  const cpuMemory = result[0];
  expectSuccess(api, api.getAllocatorWithDefaultOptions(result));
  return {
    path,
    version,
    api,
    cpuMemory,
    allocator: result[0],
    result,
    integer: new Int32Array(result.buffer),
    ...bindMemoryCopy(),
  };
}

/** `OrtArenaAllocator` and `OrtMemTypeDefault`. */
const ARENA_ALLOCATOR = 1;
const DEFAULT_MEMORY = 0;

const environments = new Map<OnnxLibrary, Pointer>();

/** The process's `OrtEnv *`, which sessions are made in; ONNX Runtime has one however often it is asked. */
export function environment(library: OnnxLibrary): Pointer {
  let env = environments.get(library);
  if (env === undefined) {
    const { api, result } = library;
    expectSuccess(api, api.createEnv(LOG_SEVERITY, "modelport", result));
    env = result[0];
    expectSuccess(api, api.disableTelemetryEvents(env));
    environments.set(library, env);
  }
  return env;
}
