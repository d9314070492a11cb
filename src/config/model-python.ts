import type { PythonOptions } from "../model/python-options.ts";
import type { ModelConfig } from "./model-config.ts";
import type { ModelShape } from "./model-config-schema.ts";
import { interpreterPath } from "./server-python.ts";

/** What a model's options of Python are written as; seconds are written where milliseconds are kept. */
export const PYTHON_KEYS: ReadonlyMap<string, keyof PythonOptions> = new Map([
  ["python", "interpreter"],
  ["allow_code", "allowCode"],
  ["workers", "workers"],
  ["device", "device"],
  ["python_timeout_seconds", "timeoutMs"],
  ["python_memory_limit_bytes", "memoryLimitBytes"],
  ["python_spare", "warmSpare"],
]);

/** What a model's config says of Python. A relative path of the interpreter is below `folder`, if there is one. */
export function resolvePython(shape: ModelShape, folder: string | undefined): Pick<ModelConfig, "python"> {
  const { python, allow_code, workers, device, python_timeout_seconds, python_memory_limit_bytes, python_spare } = shape;
  const options: PythonOptions = {
    ...(python !== undefined && { interpreter: interpreterPath(python, folder ?? process.cwd()) }),
    ...(allow_code !== undefined && { allowCode: allow_code }),
    ...(workers !== undefined && { workers }),
    ...(device !== undefined && { device }),
    ...(python_timeout_seconds !== undefined && { timeoutMs: python_timeout_seconds * 1000 }),
    ...(python_memory_limit_bytes !== undefined && { memoryLimitBytes: python_memory_limit_bytes }),
    ...(python_spare !== undefined && { warmSpare: python_spare }),
  };
  return Object.keys(options).length === 0 ? {} : { python: options };
}
