import { basename } from "node:path";
import koffi from "koffi";
import { throwIfAborted } from "../../base/abort.ts";
import type { OnnxGraphProgram, OnnxProgram } from "../../model/program.ts";
import { callElsewhere, type Pointer } from "../native-calls.ts";
import { appendProviders } from "./execution-providers.ts";
import { environment, LOG_SEVERITY, type OnnxLibrary } from "./library.ts";
import type { ResolvedSessionOptions } from "./options.ts";
import { expectSuccess, loadError, takeFailure } from "./status.ts";

/** What errors call the model of a program. */
export function modelName(program: OnnxProgram | OnnxGraphProgram): string {
  return "file" in program ? basename(program.file) : program.source;
}

/**
 * Builds a session from a program's model on another thread. Any thread may run it and release it.
 * @throws ServingError naming the file, or the execution provider that cannot be used; the signal's reason once it aborts.
 */
export async function createSession(
  library: OnnxLibrary,
  program: OnnxProgram | OnnxGraphProgram,
  options: ResolvedSessionOptions,
  signal: AbortSignal,
): Promise<Pointer> {
  const { api, result } = library;
  const env = environment(library);
  throwIfAborted(signal);
  expectSuccess(api, api.createSessionOptions(result));
  const sessionOptions = result[0];
  const stop = (): void => release(library, api.setLoadCancellationFlag?.(sessionOptions, true) ?? null);
  try {
    configure(library, sessionOptions, options);
    const session = new BigUint64Array(new ArrayBuffer(8));
    signal.addEventListener("abort", stop);
    const status = await ("file" in program
      ? callElsewhere(api.createSession, env, program.file, sessionOptions, session)
      : createFromMemory(library, program, sessionOptions, session));
    if (status !== null) {
      const failure = takeFailure(api, status);
      throwIfAborted(signal);
      throw loadError(failure, "file" in program ? program.file : program.source);
    }
    if (signal.aborted) api.releaseSession(session[0]);
    throwIfAborted(signal);
    return session[0];
  } finally {
    signal.removeEventListener("abort", stop);
    api.releaseSessionOptions(sessionOptions);
  }
}

/** The model and its weights are read where they lie, and no more once the session is there. */
async function createFromMemory(
  library: OnnxLibrary,
  { model, weights }: OnnxGraphProgram,
  sessionOptions: Pointer,
  session: BigUint64Array,
): Promise<Pointer | null> {
  const { api } = library;
  if (weights.size > 0) {
    const path = process.platform === "win32" ? "str16" : "str";
    const names = koffi.alloc(path, weights.size);
    const buffers = new BigUint64Array(new ArrayBuffer(weights.size * 8));
    const lengths = new BigUint64Array(new ArrayBuffer(weights.size * 8));
    try {
      koffi.encode(names, koffi.array(path, weights.size), [...weights.keys()]);
      let at = 0;
      for (const bytes of weights.values()) {
        buffers[at] = koffi.address(bytes);
        lengths[at++] = BigInt(bytes.length);
      }
      expectSuccess(api, api.addExternalInitializersFromMemory(sessionOptions, names as Pointer, buffers, lengths, weights.size));
    } finally {
      koffi.free(names);
    }
  }
  return await callElsewhere(api.createSessionFromArray, environment(library), model, model.length, sessionOptions, session);
}

function configure(library: OnnxLibrary, sessionOptions: Pointer, options: ResolvedSessionOptions): void {
  const { api } = library;
  expectSuccess(api, api.setSessionLogSeverityLevel(sessionOptions, LOG_SEVERITY));
  expectSuccess(api, api.setSessionGraphOptimizationLevel(sessionOptions, options.graphOptimizationLevel));
  expectSuccess(api, api.setIntraOpNumThreads(sessionOptions, options.intraOpThreads));
  expectSuccess(api, api.setInterOpNumThreads(sessionOptions, options.interOpThreads));
  // A spinning pool takes the cores that the other serving threads need.
  expectSuccess(api, api.addSessionConfigEntry(sessionOptions, "session.intra_op.allow_spinning", "0"));
  expectSuccess(api, api.addSessionConfigEntry(sessionOptions, "session.inter_op.allow_spinning", "0"));
  appendProviders(library, sessionOptions, options.executionProviders);
}

function release(library: OnnxLibrary, status: Pointer | null): void {
  if (status !== null) library.api.releaseStatus(status);
}
