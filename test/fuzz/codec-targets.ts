import type { FuzzTarget } from "./target.ts";
import { bmp } from "./targets/bmp.ts";
import { caffe2Net, caffe2NetText } from "./targets/caffe2-net.ts";
import { classifyMessage } from "./targets/classify-message.ts";
import { cntkModel } from "./targets/cntk-model.ts";
import { configDocument } from "./targets/config-document.ts";
import { base64, jsonExamples, jsonPredict } from "./targets/json.ts";
import { modelConfig, textFormat } from "./targets/model-config.ts";
import { multipart } from "./targets/multipart.ts";
import { mxnetParams, mxnetSymbol } from "./targets/mxnet.ts";
import { onnxModel } from "./targets/onnx-model.ts";
import { predictMessage } from "./targets/predict-message.ts";
import { predictionLog } from "./targets/prediction-log.ts";
import { processing } from "./targets/processing.ts";
import { savedModel, savedModelText, signatureDef } from "./targets/saved-model.ts";
import { sessionRunMessage } from "./targets/session-run-message.ts";
import { sklearnPickle } from "./targets/sklearn-pickle.ts";
import { jsonStfs } from "./targets/stfs-json.ts";
import { tensorProto } from "./targets/tensor-proto.ts";
import { tfRecord } from "./targets/tf-record.ts";

/** Parsers of requests, configs and models. */
export const CODEC_TARGETS: readonly FuzzTarget[] = [
  tensorProto,
  predictMessage,
  classifyMessage,
  sessionRunMessage,
  jsonPredict,
  jsonExamples,
  jsonStfs,
  base64,
  textFormat,
  modelConfig,
  configDocument,
  onnxModel,
  savedModel,
  savedModelText,
  signatureDef,
  tfRecord,
  predictionLog,
  processing,
  sklearnPickle,
  mxnetParams,
  mxnetSymbol,
  multipart,
  bmp,
  caffe2Net,
  caffe2NetText,
  cntkModel,
];
