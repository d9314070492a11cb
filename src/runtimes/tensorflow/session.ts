import { throwIfAborted } from "../../base/abort.ts";
import type { ServingError } from "../../base/serving-error.ts";
import { callElsewhere, type Pointer } from "../native-calls.ts";
import { NativeMemory, pieceSize } from "../native-memory.ts";
import type { TensorFlowLibrary } from "./library.ts";
import { unregisteredOps } from "./registered-ops.ts";
import { expectSuccess, type Failure, failureOf, loadError, missingOpsError, unregisteredOp } from "./status.ts";

/** What a session is made of. */
export interface SessionParts {
  /** Absolute. */
  readonly folder: string;
  readonly tags: readonly string[];
  /** Serialized `tensorflow.ConfigProto`. */
  readonly config: Uint8Array;
  /** Operations that the graph is made of, as far as they are known. */
  readonly opTypes: readonly string[];
  /** The server that runs the graph; undefined for this process. */
  readonly target: string | undefined;
}

/** A loaded session with its graph: `TF_Session *` and `TF_Graph *`, good for any thread. */
export interface LoadedSession {
  readonly session: Pointer;
  readonly graph: Pointer;
}

/**
 * Loads a SavedModel on another thread: its graph, variables, assets and tables, as its initialisation says.
 * @throws ServingError with TensorFlow's code; the signal's reason once it aborts, after TensorFlow has ended.
 */
export async function loadSession(library: TensorFlowLibrary, parts: SessionParts, signal: AbortSignal): Promise<LoadedSession> {
  const { api } = library;
  throwIfAborted(signal);
  const status = api.newStatus();
  const options = api.newSessionOptions();
  const graph = api.newGraph();
  let session: Pointer | null = null;
  try {
    api.setConfig(options, parts.config, parts.config.length, status);
    expectSuccess(api, status);
    if (parts.target !== undefined) api.setTarget(options, parts.target);
    const tags = cStrings(parts.tags);
    const { folder } = parts;
    const count = parts.tags.length;
    session = await callElsewhere(api.loadSessionFromSavedModel, options, null, folder, tags.address, count, graph, null, status);
    tags.keep();
    const failure = failureOf(api, status);
    if (failure !== undefined) throw failedLoad(library, parts, failure);
    throwIfAborted(signal);
    return { session: session!, graph };
  } catch (reason) {
    if (session !== null) await closeSession(library, { session, graph });
    else api.deleteGraph(graph);
    throw reason;
  } finally {
    api.deleteSessionOptions(options);
    api.deleteStatus(status);
  }
}

/** TensorFlow names the first op that it does not know; whoever must find libraries wants to know them all. */
function failedLoad(library: TensorFlowLibrary, { folder, opTypes }: SessionParts, failure: Failure): ServingError {
  const op = unregisteredOp(failure);
  if (op === undefined) return loadError(failure, folder);
  const missing = unregisteredOps(library, opTypes);
  return missingOpsError(missing.length === 0 ? [op] : missing, library.version);
}

/** Longest that a session on another server is waited for when it is closed; the server may be gone. */
const REMOTE_CLOSE_MS = 3000;

/** As {@link closeSession}, but what takes long is left to end by itself. */
export async function closeRemoteSession(library: TensorFlowLibrary, loaded: LoadedSession): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, REMOTE_CLOSE_MS);
  });
  await Promise.race([closeSession(library, loaded), late]);
  clearTimeout(timer);
}

/** Ends a session on another thread, and what it is still running; frees its graph. Never rejects. */
export async function closeSession({ api }: TensorFlowLibrary, { session, graph }: LoadedSession): Promise<void> {
  const status = api.newStatus();
  for (const end of [api.closeSession, api.deleteSession]) {
    await callElsewhere(end, session, status).catch(() => end(session, status));
  }
  api.deleteGraph(graph);
  api.deleteStatus(status);
}

/** An array of C strings; `keep` is called when nobody reads them any more. */
function cStrings(texts: readonly string[]): { readonly address: Pointer; keep(): void } {
  const encoder = new TextEncoder();
  const encoded = texts.map((text) => encoder.encode(`${text}\0`));
  const memory = new NativeMemory(pieceSize(texts.length * 8) + encoded.reduce((sum, { length }) => sum + pieceSize(length), 0));
  const { words, address } = memory.takeWords(texts.length);
  for (const [i, text] of encoded.entries()) {
    const piece = memory.take(text.length);
    new Uint8Array(memory.buffer, piece.offset, text.length).set(text);
    words[i] = piece.address;
  }
  return { address, keep: () => void memory.buffer };
}
