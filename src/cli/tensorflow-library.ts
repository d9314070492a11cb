import type { Log } from "../base/log.ts";
import type { TensorFlowFlags } from "../config/server-tensorflow.ts";
import type { FoundLibrary } from "../provisioning/found-library.ts";
import type { InstallProgress, ReportProgress } from "../provisioning/progress.ts";
import type { LocateTensorFlow } from "../runtimes/tensorflow/options.ts";

/** An install is heard of in the log at each of so many parts of it. */
const PARTS = 4;

/**
 * Finds TensorFlow's library when the first model needs it, as the flags say, and logs which one it is and how an install goes. What is
 * needed for that is loaded then: a server without such a model starts without it.
 */
export function locateTensorFlow({ library, autoInstall }: TensorFlowFlags, log: Log): LocateTensorFlow {
  let search: Promise<(signal: AbortSignal) => Promise<FoundLibrary>> | undefined;
  let said = false;
  return async (signal) => {
    search ??= import("../provisioning/tensorflow-libraries.ts").then(({ TensorFlowLibraries }) => {
      const libraries = new TensorFlowLibraries({ library, autoInstall, progress: progressLog(log) });
      return (own) => libraries.locate(own);
    });
    const { path, version, origin } = await (await search)(signal);
    if (!said) log.info("tensorflow_library", { version, origin });
    said = true;
    return path;
  };
}

/** Logs where an install stands, when a phase begins and at each part of one. */
function progressLog(log: Log): ReportProgress {
  let last: InstallProgress | undefined;
  const partOf = ({ bytes, expectedBytes }: InstallProgress): number =>
    expectedBytes ? Math.floor((PARTS * bytes) / expectedBytes) : 0;
  return (progress) => {
    if (last?.phase === progress.phase && partOf(progress) <= partOf(last)) return;
    last = progress;
    log.info("runtime_install", { ...progress });
  };
}
