import { basename, dirname } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import type { Loader } from "../core/loader.ts";
import type { ServableId } from "../core/servable-id.ts";
import type { Platform } from "../model/platform.ts";
import type { Program } from "../model/program.ts";
import { type PythonOptions, pythonLoad, type ServerPython } from "../model/python-options.ts";
import type { Runtime, SharedModel } from "../model/runtime.ts";
import type { TensorFlowOptions } from "../model/tensorflow-options.ts";
import { detectPlatform, workerProgram } from "../platforms/registry.ts";
import { planProcessing } from "../processing/plan-processing.ts";
import type { RuntimeRegistry } from "../runtimes/registry.ts";
import { takeFingerprint } from "../sources/fingerprint.ts";
import { exampleRequest } from "./example-request.ts";
import { readMlmdUuid } from "./mlmd-uuid.ts";
import { type ProcessingFiles, readProcessingFiles } from "./processing-file.ts";
import type { VersionBatching } from "./version-batching.ts";
import type { WarmUp } from "./warm-up.ts";

/** What became of one attempt to load a version. */
export interface LoadReport {
  readonly id: ServableId;
  readonly milliseconds: number;
  /** Absent when it failed before the platform was known. */
  readonly platform?: string;
  /** Why that platform was chosen. */
  readonly why?: string;
  readonly model?: SharedModel;
  /** What was estimated that it takes; absent when nobody asked. */
  readonly ramBytes?: number;
  /** The identity of its ML Metadata record, if it carries one. */
  readonly mlmdUuid?: string;
  readonly error?: ServingError;
}

/** What a loader works with. */
export interface PlatformLoaderParts {
  readonly runtimes: RuntimeRegistry;
  readonly clock: Clock;
  readonly report: (report: LoadReport) => void;
  /** Told of an example request that cannot be used, and of code beside a model that is not run. Default: nobody is. */
  readonly log?: Pick<Log, "debug" | "info">;
  /** Runs a version's first requests; a load fails when it rejects. Default: nothing is run. */
  readonly warmUp?: Pick<WarmUp, "run">;
  /** Decides how the version is batched. Default: it is not. */
  readonly batching?: VersionBatching | undefined;
  /** What the model's config says of TensorFlow. Default: nothing. */
  readonly tensorflow?: TensorFlowOptions | undefined;
  /** What the flags say of Python workers. Default: there are none. */
  readonly serverPython?: ServerPython | undefined;
  /** What the model's config says of them. Default: nothing. */
  readonly python?: PythonOptions | undefined;
  /** Tags of the graph to load from a SavedModel, where the model's config does not say. Default: the platform's. */
  readonly savedModelTags?: readonly string[];
}

/** Memory a loaded model takes, as a multiple of its files: TensorFlow Serving's estimate. */
const RAM_PER_FILE_BYTE = 1.2;

/** Loads a version of any platform: detects it, reads its files into a program, and gives that to the runtime. */
export class PlatformLoader implements Loader<SharedModel> {
  readonly #id: ServableId;
  readonly #path: string;
  readonly #platform: string | undefined;
  readonly #parts: PlatformLoaderParts;
  #ramBytes: number | undefined;
  #loaded: { readonly runtime: Runtime; readonly model: SharedModel } | undefined;

  /** `platform` undefined: whichever recognises the files. */
  constructor(id: ServableId, path: string, platform: string | undefined, parts: PlatformLoaderParts) {
    this.#id = id;
    this.#path = path;
    this.#platform = platform;
    this.#parts = parts;
  }

  async estimate(): Promise<{ readonly ramBytes: number }> {
    const { bytes } = await takeFingerprint(this.#path);
    const ramBytes = Math.ceil(RAM_PER_FILE_BYTE * bytes);
    this.#ramBytes = ramBytes;
    return { ramBytes };
  }

  async load(signal: AbortSignal): Promise<SharedModel> {
    const {
      clock,
      log,
      report,
      runtimes,
      warmUp,
      batching,
      tensorflow,
      savedModelTags,
      serverPython,
      python: ownPython,
    } = this.#parts;
    const start = clock.now();
    const id = this.#id;
    let found: { readonly platform: string; readonly why: string } | undefined;
    try {
      const { digest, bytes: fileBytes } = await takeFingerprint(this.#path);
      const { platform, why } = await detectPlatform(this.#path, this.#platform);
      found = { platform: platform.name, why };
      const tags = tensorflow?.tags ?? savedModelTags;
      const python = serverPython && pythonLoad(serverPython, ownPython, id.name, String(id.version));
      const program = await this.#read(platform, signal, tags, python?.allowCode === true);
      if (program.runtime === "python" && platform.name !== "python") found = { ...found, why: `${why}, run by a Python worker` };
      const processing = await readProcessingFiles(this.#path, signal);
      this.#checkHooks(program, processing);
      const { declared } = processing;
      if (declared !== undefined) found = { ...found, why: `${found.why}, with ${declared.file}` };
      const runtime = runtimes.get(program.runtime);
      if (runtime === undefined) throw new ServingError("unimplemented", `this server has no runtime ${program.runtime}`);
      const limits = await batching?.limits(id.name, this.#path);
      const loaded = await runtime.load(
        program,
        signal,
        (tensorflow ?? python) && { ...(tensorflow && { tensorflow }), ...(python && { python }) },
      );
      this.#loaded = { runtime, model: loaded };
      const loadMs = clock.now() - start;
      const example = await exampleRequest(this.#path, signal, (error) =>
        log?.debug("example_request_unusable", { model: id.name, version: String(id.version), error }),
      );
      const about = {
        ...found,
        folder: baseName(this.#path),
        fileBytes,
        loadMs,
        loadedAtMs: Date.now(),
        ...(example !== undefined && { example }),
      };
      const processed = declared && {
        processing: { ...declared, inner: loaded.signatures },
        signatures: planProcessing(declared, loaded.signatures).signatures,
      };
      const model = {
        ...loaded,
        ...processed,
        about,
        ...(limits && { batching: batching!.plan(id, limits, loaded.signatures) }),
      };
      await warmUp?.run({ id, folder: this.#path, runtime, model }, signal);
      const mlmdUuid = await readMlmdUuid(this.#path);
      await this.#checkUnchanged(digest);
      const ramBytes = this.#ramBytes;
      report({
        id,
        milliseconds: clock.now() - start,
        ...found,
        model,
        ...(ramBytes !== undefined && { ramBytes }),
        ...(mlmdUuid !== undefined && { mlmdUuid }),
      });
      return model;
    } catch (reason) {
      await this.unload();
      const error = ServingError.from(reason);
      report({ id, milliseconds: clock.now() - start, ...found, error });
      throw error;
    }
  }

  /** What the platform makes of the files; of those that it does not cover what a Python worker may, where code is allowed. */
  async #read(
    platform: Platform,
    signal: AbortSignal,
    tags: readonly string[] | undefined,
    allowCode: boolean,
  ): Promise<Program> {
    try {
      return await platform.read(this.#path, signal, tags && { tags });
    } catch (reason) {
      const error = ServingError.from(reason);
      const isRefusal = error.code === "unimplemented" || error.code === "invalid-argument";
      const other = isRefusal ? await workerProgram(platform.name, this.#path, signal) : undefined;
      if (other === undefined) throw reason;
      if (allowCode) return other;
      const flag = `--allow_code=${this.#id.name}`;
      // What is refused by name may be an attack.
      const way =
        error.code === "unimplemented"
          ? `a Python worker can serve it (${flag})`
          : `a Python worker can serve it, which runs what the file calls: only if you trust it (${flag})`;
      const message = error.message.replace(/[;,:]? ?a Python worker can serve it \(--allow_code\)/, "");
      throw new ServingError(error.code, `${message}; ${way}`, { cause: error });
    }
  }

  /** Python code of Simple TensorFlow Serving's is not run: without it the answers would be other ones. */
  #checkHooks(program: Program, { declared, hooks }: ProcessingFiles): void {
    const all = [...hooks, ...(("hooks" in program && program.hooks) || []).map((name) => `the collection ${name}`)];
    if (all.length === 0) return;
    if (declared === undefined) {
      throw new ServingError(
        "failed-precondition",
        `${all.join(" and ")} of the model: Python code for Simple TensorFlow Serving, which is not run here. Declare in processing.yaml, ` +
          "beside the model, what it does to requests and answers (docs/guide/processing.md)",
      );
    }
    const { name, version } = this.#id;
    this.#parts.log?.info("hooks_passed_over", { model: name, version: String(version), hooks: all, file: declared.file });
  }

  /** Part of what was read may be of one content and part of another, which may load all the same. */
  async #checkUnchanged(digest: string): Promise<void> {
    if ((await takeFingerprint(this.#path)).digest === digest) return;
    const { name, version } = this.#id;
    throw new ServingError(
      "failed-precondition",
      `the files of version ${version} of model ${name} changed while they were being read, it is loaded again once they stay the same`,
    );
  }

  async unload(): Promise<void> {
    const loaded = this.#loaded;
    this.#loaded = undefined;
    await loaded?.runtime.unload(loaded.model);
  }
}

/** The last name of the base path that a version's folder or file is of. */
function baseName(path: string): string {
  const name = basename(path);
  return /^[0-9]+$/.test(name) ? basename(dirname(path)) : name;
}
