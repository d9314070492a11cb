import type { Log } from "../base/log.ts";
import type { RuntimeName } from "../model/program.ts";
import type { Runtime } from "../model/runtime.ts";
import { OnnxRuntime } from "./onnxruntime/onnx-runtime.ts";
import type { OnnxRuntimeOptions } from "./onnxruntime/options.ts";
import { PythonRuntime, type PythonRuntimeOptions } from "./python/python-runtime.ts";
import { TabularRuntime } from "./tabular/tabular-runtime.ts";
import type { LocateTensorFlow, TensorFlowRuntimeOptions } from "./tensorflow/options.ts";
import { TensorFlowRuntime } from "./tensorflow/tensorflow-runtime.ts";

/** Options of every runtime. Plain data: each thread makes its runtimes from the same. */
export interface RuntimeOptions {
  readonly onnxruntime: OnnxRuntimeOptions;
  readonly tensorflow?: TensorFlowRuntimeOptions;
  readonly python?: PythonRuntimeOptions;
}

/** What only the thread that loads models has. */
export interface LoadingParts {
  readonly locateTensorFlow?: LocateTensorFlow;
  /** Told of Python workers. Default: a log of errors. */
  readonly log?: Log;
}

/** The runtimes of one thread by name. */
export type RuntimeRegistry = ReadonlyMap<RuntimeName, Runtime>;

/** Makes the runtimes this server has. Loads no native library before a model needs it. */
export function createRuntimes(options: RuntimeOptions, { locateTensorFlow, log }: LoadingParts = {}): RuntimeRegistry {
  return new Map<RuntimeName, Runtime>([
    ["onnxruntime", new OnnxRuntime(options.onnxruntime)],
    ["tabular", new TabularRuntime()],
    ["python", new PythonRuntime(options.python, log && { log })],
    ["tensorflow", new TensorFlowRuntime(options.tensorflow, locateTensorFlow)],
  ]);
}
