import { spawnSync } from "node:child_process";

/** A Python that can import a module: the one that `variable` names, else the `python3` of the PATH; undefined without one. */
export function pythonWith(module: string, variable = "MODELPORT_STUBS_PYTHON"): string | undefined {
  return [process.env[variable], "python3"].find(
    (candidate) =>
      candidate !== undefined &&
      spawnSync(candidate, ["-c", `import importlib.util as u, sys; sys.exit(u.find_spec("${module}") is None)`]).status === 0,
  );
}
