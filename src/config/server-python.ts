import { resolve, sep } from "node:path";
import { ServingError } from "../base/serving-error.ts";
import { PYTHON_DEVICE, type ServerPython } from "../model/python-options.ts";

/** The values of flags. */
export interface FlagReader {
  boolean(name: string): boolean;
  number(name: string): number;
  text(name: string): string;
  list(name: string): readonly string[];
}

/** What the flags say of Python workers. @throws ServingError invalid-argument that names the flag at fault */
export function resolveServerPython(flags: FlagReader): ServerPython {
  const device = flags.text("python_device");
  if (!PYTHON_DEVICE.test(device)) {
    throw new ServingError(
      "invalid-argument",
      `--python_device expects cpu, cuda, cuda:N or auto, got ${JSON.stringify(device.slice(0, 100))}`,
    );
  }
  const interpreter = flags.text("python");
  if (interpreter === "") throw new ServingError("invalid-argument", "--python expects the name or the path of an interpreter");
  return {
    interpreter: interpreterPath(interpreter, process.cwd()),
    allowCode: flags.list("allow_code"),
    workers: flags.number("python_workers"),
    device,
    timeoutMs: flags.number("python_timeout_seconds") * 1000,
    memoryLimitBytes: flags.number("python_memory_limit_bytes") || undefined,
    warmSpare: flags.boolean("python_spare"),
    environment: flags.list("python_environment"),
  };
}

/** A path, below `folder` where it is relative; a bare name is left to the PATH. */
export function interpreterPath(written: string, folder: string): string {
  return written.includes("/") || written.includes(sep) ? resolve(folder, written) : written;
}
