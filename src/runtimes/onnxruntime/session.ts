import { throwIfAborted } from "../../base/abort.ts";
import { callElsewhere, type Pointer } from "../native-calls.ts";
import { appendProviders } from "./execution-providers.ts";
import { environment, LOG_SEVERITY, type OnnxLibrary } from "./library.ts";
import type { ResolvedSessionOptions } from "./options.ts";
import { expectSuccess, loadError, takeFailure } from "./status.ts";

/**
 * Builds a session from the model at `file` on another thread. Any thread may run it and release it.
 * @throws ServingError naming the file, or the execution provider that cannot be used; the signal's reason once it aborts.
 */
export async function createSession(
  library: OnnxLibrary,
  file: string,
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
    const status = await callElsewhere(api.createSession, env, file, sessionOptions, session);
    if (status !== null) {
      const failure = takeFailure(api, status);
      throwIfAborted(signal);
      throw loadError(failure, file);
    }
    if (signal.aborted) api.releaseSession(session[0]);
    throwIfAborted(signal);
    return session[0];
  } finally {
    signal.removeEventListener("abort", stop);
    api.releaseSessionOptions(sessionOptions);
  }
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
