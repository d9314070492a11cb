import { spawnSync } from "node:child_process";

/** A Python that can import a module: the one that MODELPORT_STUBS_PYTHON names, else the `python3` of the PATH; undefined without one. */
export function pythonWith(module: string): string | undefined {
  return [process.env.MODELPORT_STUBS_PYTHON, "python3"].find(
    (candidate) =>
      candidate !== undefined &&
      spawnSync(candidate, ["-c", `import importlib.util as u, sys; sys.exit(u.find_spec("${module}") is None)`]).status === 0,
  );
}
