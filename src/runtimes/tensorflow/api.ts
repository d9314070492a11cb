import type { NativeFunction, Pointer } from "../native-calls.ts";

/** `TF_*` of TensorFlow's c_api.h, as one thread calls them. Pointers are addresses; NULL is `null`. */
export interface TensorFlowApi {
  readonly version: NativeFunction<string>;
  readonly newStatus: NativeFunction<Pointer>;
  readonly deleteStatus: NativeFunction<void>;
  readonly getCode: NativeFunction<number>;
  readonly message: NativeFunction<string>;
  readonly newBufferFromString: NativeFunction<Pointer>;
  readonly deleteBuffer: NativeFunction<void>;
  readonly newSessionOptions: NativeFunction<Pointer>;
  readonly deleteSessionOptions: NativeFunction<void>;
  readonly setTarget: NativeFunction<void>;
  readonly setConfig: NativeFunction<void>;
  readonly newGraph: NativeFunction<Pointer>;
  readonly deleteGraph: NativeFunction<void>;
  /** (options, run options, folder, tags, number of tags, graph, meta graph, status) gives a session. */
  readonly loadSessionFromSavedModel: NativeFunction<Pointer | null>;
  readonly graphOperationByName: NativeFunction<Pointer | null>;
  readonly operationNumOutputs: NativeFunction<number>;
  readonly closeSession: NativeFunction<void>;
  readonly deleteSession: NativeFunction<void>;
  /** (session, run options, inputs, values, number, outputs, values, number, targets, number, metadata, status). */
  readonly sessionRun: NativeFunction<void>;
  readonly allocateTensor: NativeFunction<Pointer | null>;
  readonly deleteTensor: NativeFunction<void>;
  readonly tensorType: NativeFunction<number>;
  readonly numDims: NativeFunction<number>;
  readonly dim: NativeFunction<number | bigint>;
  readonly tensorData: NativeFunction<Pointer | null>;
  readonly tensorFromProto: NativeFunction<void>;
  readonly loadLibrary: NativeFunction<Pointer | null>;
  /** A `TF_Buffer *` of a serialized `tensorflow.OpList`, the caller's to delete. */
  readonly getAllOpList: NativeFunction<Pointer>;
}

/** Finds the functions in a library as koffi opened it. Throws when one is not there. */
export function bindApi(library: { func(declaration: string): unknown }): TensorFlowApi {
  const bind = <Result>(declaration: string) => library.func(declaration) as NativeFunction<Result>;
  return {
    version: bind("const char *TF_Version()"),
    newStatus: bind("void *TF_NewStatus()"),
    deleteStatus: bind("void TF_DeleteStatus(void *status)"),
    getCode: bind("int TF_GetCode(void *status)"),
    message: bind("const char *TF_Message(void *status)"),
    newBufferFromString: bind("void *TF_NewBufferFromString(const void *bytes, size_t length)"),
    deleteBuffer: bind("void TF_DeleteBuffer(void *buffer)"),
    newSessionOptions: bind("void *TF_NewSessionOptions()"),
    deleteSessionOptions: bind("void TF_DeleteSessionOptions(void *options)"),
    setTarget: bind("void TF_SetTarget(void *options, const char *target)"),
    setConfig: bind("void TF_SetConfig(void *options, const void *proto, size_t length, void *status)"),
    newGraph: bind("void *TF_NewGraph()"),
    deleteGraph: bind("void TF_DeleteGraph(void *graph)"),
    loadSessionFromSavedModel: bind(
      "void *TF_LoadSessionFromSavedModel(void *options, void *run_options, const char *folder, const void *tags, int count, void *graph, void *meta_graph, void *status)",
    ),
    graphOperationByName: bind("void *TF_GraphOperationByName(void *graph, const char *name)"),
    operationNumOutputs: bind("int TF_OperationNumOutputs(void *operation)"),
    closeSession: bind("void TF_CloseSession(void *session, void *status)"),
    deleteSession: bind("void TF_DeleteSession(void *session, void *status)"),
    sessionRun: bind(
      "void TF_SessionRun(void *session, void *run_options, void *inputs, void *input_values, int input_count, void *outputs, void *output_values, int output_count, void *targets, int target_count, void *metadata, void *status)",
    ),
    allocateTensor: bind("void *TF_AllocateTensor(int dtype, const void *sizes, int rank, size_t bytes)"),
    deleteTensor: bind("void TF_DeleteTensor(void *tensor)"),
    tensorType: bind("int TF_TensorType(void *tensor)"),
    numDims: bind("int TF_NumDims(void *tensor)"),
    dim: bind("int64_t TF_Dim(void *tensor, int axis)"),
    tensorData: bind("void *TF_TensorData(void *tensor)"),
    tensorFromProto: bind("void TF_TensorFromProto(void *proto, void *tensor, void *status)"),
    loadLibrary: bind("void *TF_LoadLibrary(const char *file, void *status)"),
    getAllOpList: bind("void *TF_GetAllOpList()"),
  };
}
