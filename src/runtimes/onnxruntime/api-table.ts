import koffi from "koffi";
import type { NativeFunction, Pointer } from "../native-calls.ts";

/**
 * Functions that answer with an `OrtStatus *` (NULL is success), by their position in `struct OrtApi` of
 * onnxruntime_c_api.h. The table only ever grows at its end, so a position is good for every later version.
 * Pointers, and the places results are written to, are `void *`; paths are `ORTCHAR_T *`.
 */
const STATUS_FUNCTIONS = {
  createEnv: [3, ["int", "str", "void *"]],
  disableTelemetryEvents: [6, ["void *"]],
  createSession: [7, ["void *", "PATH", "void *", "void *"]],
  createSessionFromArray: [8, ["void *", "void *", "size_t", "void *", "void *"]],
  run: [9, ["void *", "void *", "void *", "void *", "size_t", "void *", "size_t", "void *"]],
  createSessionOptions: [10, ["void *"]],
  setSessionLogSeverityLevel: [22, ["void *", "int"]],
  setSessionGraphOptimizationLevel: [23, ["void *", "int"]],
  setIntraOpNumThreads: [24, ["void *", "int"]],
  setInterOpNumThreads: [25, ["void *", "int"]],
  sessionGetInputCount: [30, ["void *", "void *"]],
  sessionGetOutputCount: [31, ["void *", "void *"]],
  sessionGetOverridableInitializerCount: [32, ["void *", "void *"]],
  sessionGetInputTypeInfo: [33, ["void *", "size_t", "void *"]],
  sessionGetOutputTypeInfo: [34, ["void *", "size_t", "void *"]],
  sessionGetOverridableInitializerTypeInfo: [35, ["void *", "size_t", "void *"]],
  sessionGetInputName: [36, ["void *", "size_t", "void *", "void *"]],
  sessionGetOutputName: [37, ["void *", "size_t", "void *", "void *"]],
  sessionGetOverridableInitializerName: [38, ["void *", "size_t", "void *", "void *"]],
  createRunOptions: [39, ["void *"]],
  runOptionsSetTerminate: [46, ["void *"]],
  createTensor: [48, ["void *", "void *", "size_t", "int", "void *"]],
  createTensorWithData: [49, ["void *", "void *", "size_t", "void *", "size_t", "int", "void *"]],
  getTensorMutableData: [51, ["void *", "void *"]],
  fillStringTensor: [52, ["void *", "void *", "size_t"]],
  getStringTensorDataLength: [53, ["void *", "void *"]],
  getStringTensorContent: [54, ["void *", "void *", "size_t", "void *", "size_t"]],
  castTypeInfoToTensorInfo: [55, ["void *", "void *"]],
  getOnnxTypeFromTypeInfo: [56, ["void *", "void *"]],
  getTensorElementType: [60, ["void *", "void *"]],
  getDimensionsCount: [61, ["void *", "void *"]],
  getDimensions: [62, ["void *", "void *", "size_t"]],
  getSymbolicDimensions: [63, ["void *", "void *", "size_t"]],
  getTensorTypeAndShape: [65, ["void *", "void *"]],
  createCpuMemoryInfo: [69, ["int", "int", "void *"]],
  allocatorFree: [76, ["void *", "void *"]],
  getAllocatorWithDefaultOptions: [78, ["void *"]],
  getValue: [80, ["void *", "int", "void *", "void *"]],
  getValueCount: [81, ["void *", "void *"]],
  castTypeInfoToMapTypeInfo: [103, ["void *", "void *"]],
  castTypeInfoToSequenceTypeInfo: [104, ["void *", "void *"]],
  getMapKeyType: [105, ["void *", "void *"]],
  getMapValueType: [106, ["void *", "void *"]],
  getSequenceElementType: [107, ["void *", "void *"]],
  getAvailableProviders: [125, ["void *", "void *"]],
  releaseAvailableProviders: [126, ["void *", "int"]],
  addSessionConfigEntry: [130, ["void *", "str", "str"]],
  appendTensorRt: [170, ["void *", "void *"]],
  createTensorRtOptions: [171, ["void *"]],
  appendCuda: [204, ["void *", "void *"]],
  createCudaOptions: [205, ["void *"]],
  appendExecutionProvider: [216, ["void *", "str", "void *", "void *", "size_t"]],
  getResizedStringTensorElementBuffer: [252, ["void *", "size_t", "size_t", "void *"]],
  addExternalInitializersFromMemory: [279, ["void *", "void *", "void *", "void *", "size_t"]],
} as const satisfies Record<string, readonly [number, readonly string[]]>;

/** Functions that free what they are given; NULL is allowed. */
const RELEASE_FUNCTIONS = {
  releaseStatus: 93,
  releaseSession: 95,
  releaseValue: 96,
  releaseRunOptions: 97,
  releaseTypeInfo: 98,
  releaseTensorInfo: 99,
  releaseSessionOptions: 100,
  releaseTensorRtOptions: 174,
  releaseCudaOptions: 208,
} as const;

/** Functions of later versions: position and the API version that brought them. */
const LATER_FUNCTIONS = {
  setLoadCancellationFlag: { position: 293, since: 22, result: "void *", args: ["void *", "bool"] },
  hasShape: { position: 390, since: 24, result: "bool", args: ["void *"] },
} as const;

/** The oldest library that has every function of the table: ONNX Runtime 1.18. */
export const MINIMUM_API_VERSION = 18;

/** ONNX Runtime's C API, bound in this thread. */
export type OrtApi = { readonly [Name in keyof typeof STATUS_FUNCTIONS]: NativeFunction<Pointer | null> } & {
  readonly [Name in keyof typeof RELEASE_FUNCTIONS]: NativeFunction<void>;
} & {
  readonly getErrorCode: NativeFunction<number>;
  readonly getErrorMessage: NativeFunction<string>;
  /** Stops a session that is being built. Since 1.22. */
  readonly setLoadCancellationFlag: NativeFunction<Pointer | null> | undefined;
  /** Tells a scalar from a tensor of unknown rank. Since 1.24. */
  readonly hasShape: NativeFunction<boolean> | undefined;
};

/** Binds the function table at `table`, which a library of API version `version` (1.30 is 30) gave. */
export function bindApi(table: Pointer, version: number): OrtApi {
  const path = process.platform === "win32" ? "str16" : "str";
  const bind = (position: number, result: string, args: readonly string[]): unknown => {
    const address: Pointer = koffi.decode(table, position * koffi.sizeof("void *"), "void *");
    return koffi.decode(
      address,
      koffi.proto(
        result,
        args.map((type) => (type === "PATH" ? path : type)),
      ),
    );
  };
  const api: Record<string, unknown> = {
    getErrorCode: bind(1, "int", ["void *"]),
    getErrorMessage: bind(2, "str", ["void *"]),
  };
  for (const [name, [position, args]] of Object.entries(STATUS_FUNCTIONS)) api[name] = bind(position, "void *", args);
  for (const [name, position] of Object.entries(RELEASE_FUNCTIONS)) api[name] = bind(position, "void", ["void *"]);
  for (const [name, { position, since, result, args }] of Object.entries(LATER_FUNCTIONS)) {
    api[name] = version >= since ? bind(position, result, args) : undefined;
  }
  return api as unknown as OrtApi;
}
