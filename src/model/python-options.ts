/** What a config may say of how a model's Python workers are run; what is absent is the server's to say. Plain data. */
export interface PythonOptions {
  /** The interpreter: a path, or a name that the PATH has. */
  readonly interpreter?: string;
  /** Whether loading may run code of the model's. */
  readonly allowCode?: boolean;
  /** Processes that run it side by side, at least 1. */
  readonly workers?: number;
  /** `cpu`, `cuda`, `cuda:1` and so on, or `auto`: a GPU where there is one. */
  readonly device?: string;
  /** Longest a request may take, in milliseconds, above 0. */
  readonly timeoutMs?: number;
  /** Most address space of each process, in bytes. */
  readonly memoryLimitBytes?: number;
  /** Whether one more process waits, loaded, to take the place of one that ends. */
  readonly warmSpare?: boolean;
}

/** The same with every choice made, of one version of a model. */
export interface PythonLoad extends Required<Omit<PythonOptions, "memoryLimitBytes">> {
  readonly memoryLimitBytes: number | undefined;
  readonly model: string;
  readonly version: string;
  /** Variables of the server's environment that the processes get besides those of Python and its libraries. */
  readonly environment: readonly string[];
}

/** What the flags say of Python workers. Plain data. */
export interface ServerPython extends Omit<PythonLoad, "model" | "version" | "allowCode"> {
  /** Names of models that may run code of their own. */
  readonly allowCode: readonly string[];
}

/** What is in force for a version of the model `model`, whose config says `own`. */
export function pythonLoad(server: ServerPython, own: PythonOptions | undefined, model: string, version: string): PythonLoad {
  const allowCode = own?.allowCode ?? server.allowCode.includes(model);
  return { ...server, ...own, allowCode, model, version };
}

/** What a flag or a config may name as a device. */
export const PYTHON_DEVICE = /^(?:cpu|auto|cuda(?::[0-9]{1,3})?)$/;
