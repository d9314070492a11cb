import koffi from "koffi";
import { ServingError } from "../../base/serving-error.ts";
import type { Pointer } from "../native-calls.ts";
import type { OnnxLibrary } from "./library.ts";
import { cleanMessage, expectSuccess, takeFailure } from "./status.ts";

/** How a provider is called by ONNX Runtime, and how it is asked for. */
interface Provider {
  /** As in the list of what a library has. */
  readonly listed: string;
  /** The name for the call that takes names; absent for those with a call of their own. */
  readonly generic?: string;
}

const PROVIDERS: ReadonlyMap<string, Provider> = new Map([
  ["cpu", { listed: "CPUExecutionProvider" }],
  ["cuda", { listed: "CUDAExecutionProvider" }],
  ["tensorrt", { listed: "TensorrtExecutionProvider" }],
  ["webgpu", { listed: "WebGpuExecutionProvider", generic: "WebGPU" }],
  ["coreml", { listed: "CoreMLExecutionProvider", generic: "CoreML" }],
  ["directml", { listed: "DmlExecutionProvider", generic: "DML" }],
  ["openvino", { listed: "OpenVINOExecutionProvider", generic: "OpenVINO" }],
  ["qnn", { listed: "QNNExecutionProvider", generic: "QNN" }],
  ["xnnpack", { listed: "XnnpackExecutionProvider", generic: "XNNPACK" }],
  ["vitisai", { listed: "VitisAIExecutionProvider", generic: "VitisAI" }],
]);

/** Short names of the providers the library was built with, most capable first as the library lists them. */
export function availableProviders(library: OnnxLibrary): readonly string[] {
  const { api, result } = library;
  const count = new Int32Array(new ArrayBuffer(4));
  expectSuccess(api, api.getAvailableProviders(result, count));
  const names = result[0];
  const listed: string[] = koffi.decode(names, "str", count[0]);
  expectSuccess(api, api.releaseAvailableProviders(names, count[0]));
  return listed.map((name) => [...PROVIDERS].find(([, provider]) => provider.listed === name)?.[0] ?? name);
}

/**
 * Asks for providers in a session's options, most wanted first.
 * @throws ServingError failed-precondition that names the provider and what there is.
 */
export function appendProviders(library: OnnxLibrary, sessionOptions: Pointer, names: readonly string[]): void {
  const available = availableProviders(library);
  for (const name of names) {
    const provider = PROVIDERS.get(name.toLowerCase());
    if (provider === undefined || !available.includes(name.toLowerCase())) throw unavailable(name, available);
    if (provider.listed === "CPUExecutionProvider") continue;
    const status = append(library, sessionOptions, provider);
    if (status === null) continue;
    const { message } = takeFailure(library.api, status);
    throw unavailable(name, available, message);
  }
}

function append(library: OnnxLibrary, sessionOptions: Pointer, { listed, generic }: Provider): Pointer | null {
  const { api, result } = library;
  if (generic !== undefined) return api.appendExecutionProvider(sessionOptions, generic, null, null, 0);
  const cuda = listed === "CUDAExecutionProvider";
  expectSuccess(api, cuda ? api.createCudaOptions(result) : api.createTensorRtOptions(result));
  const options = result[0];
  try {
    return cuda ? api.appendCuda(sessionOptions, options) : api.appendTensorRt(sessionOptions, options);
  } finally {
    if (cuda) api.releaseCudaOptions(options);
    else api.releaseTensorRtOptions(options);
  }
}

function unavailable(name: string, available: readonly string[], message?: string): ServingError {
  const why = message === undefined ? "" : ` (${cleanMessage(message)})`;
  const usable = message === undefined ? available : available.filter((other) => other !== name.toLowerCase());
  return new ServingError(
    "failed-precondition",
    `execution provider "${name}" cannot be used here${why}; this library was built with ${usable.join(", ")}; ` +
      "name another library with --onnxruntime_library",
    message === undefined ? undefined : { cause: new Error(message) },
  );
}
