import { basename } from "node:path";
import koffi from "koffi";
import { prepareNativeCalls } from "../../base/native-calls.ts";
import { ServingError } from "../../base/serving-error.ts";
import { bindMemoryCopy, type MemoryCopy } from "../memory-copy.ts";
import type { Pointer } from "../native-calls.ts";
import { pinLibrary, pinLibraryElsewhere } from "../pin-library.ts";
import { bindApi, type TensorFlowApi } from "./api.ts";
import { frameworkOf, quietener } from "./quiet.ts";

/** TensorFlow as one thread has it. Libraries live as long as the process. */
export interface TensorFlowLibrary extends MemoryCopy {
  readonly path: string;
  /** As the library says it: `2.18.1`. */
  readonly version: string;
  readonly api: TensorFlowApi;
  /** `TF_Status *` of this thread's synchronous calls, read at once after the call. */
  readonly status: Pointer;
}

/** The oldest version whose calls and string layout are those used here. */
const OLDEST_MINOR = 12;

const open = new Map<string, TensorFlowLibrary>();

/**
 * Opens the library `libtensorflow_cc` at `path` in this thread; a second call gives the same.
 * @throws ServingError failed-precondition when it cannot be opened or is older than TensorFlow 2.12.
 */
export function openLibrary(path: string): TensorFlowLibrary {
  let library = open.get(path);
  if (library === undefined) {
    library = load(path);
    open.set(path, library);
  }
  return library;
}

/**
 * As {@link openLibrary}, without holding up this thread: what takes long is done on another one.
 * @throws ServingError as that.
 */
export async function openLibraryElsewhere(path: string): Promise<TensorFlowLibrary> {
  if (!open.has(path)) {
    prepareNativeCalls();
    const quieten = quietener(path);
    const framework = frameworkOf(path);
    if (framework !== undefined) await pinLibraryElsewhere(framework, true);
    quieten();
    await pinLibraryElsewhere(path, true);
  }
  return openLibrary(path);
}

function load(path: string): TensorFlowLibrary {
  const name = basename(path);
  prepareNativeCalls();
  const quieten = quietener(path);
  quieten();
  let api: TensorFlowApi;
  try {
    // Global, because libraries of custom ops expect TensorFlow's symbols; pinned before koffi opens it, because from 2.21 on the
    // process would end with a fault when the library is closed.
    pinLibrary(path, true);
    api = bindApi(koffi.load(path));
    quieten();
  } catch (cause) {
    throw new ServingError("failed-precondition", `"${name}" cannot be opened as TensorFlow's library`, { cause });
  }
  const version = api.version();
  const [major, minor] = version.split(".").map(Number);
  if (major !== 2 || !(minor! >= OLDEST_MINOR)) {
    throw new ServingError("failed-precondition", `"${name}" is TensorFlow ${version}; 2.${OLDEST_MINOR} or later is needed`);
  }
  return { path, version, api, status: api.newStatus(), ...bindMemoryCopy() };
}
