import koffi from "koffi";
import { prepareNativeCalls } from "../base/native-calls.ts";

/**
 * Ends the process now. `process.exit` would first wait for every thread to end what it is at, and a model run cannot be
 * interrupted: that may take as long as the run does.
 */
export function exitAtOnce(code: number): void {
  // Windows' way to kill a process ends it with code 1, which is what POSIX's `_exit` is asked for.
  if (process.platform === "win32") process.kill(process.pid, "SIGKILL");
  prepareNativeCalls();
  koffi.load(null).func("void _exit(int code)")(code);
}
