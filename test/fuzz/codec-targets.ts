import type { FuzzTarget } from "./target.ts";
import { bmp } from "./targets/bmp.ts";
import { lightgbmText, xgboostJson, xgboostLegacy, xgboostUbjson } from "./targets/boosters.ts";
import { caffe2Net, caffe2NetText } from "./targets/caffe2-net.ts";
import { catboostBinary, catboostDocument } from "./targets/catboost-model.ts";
import { classifyMessage } from "./targets/classify-message.ts";
import { cntkModel } from "./targets/cntk-model.ts";
import { bzip2, lz4, lzma, xz } from "./targets/compression.ts";
import { configDocument } from "./targets/config-document.ts";
import { h2oIni, h2oTree } from "./targets/h2o-mojo.ts";
import { base64, jsonExamples, jsonPredict } from "./targets/json.ts";
import { modelConfig, textFormat } from "./targets/model-config.ts";
import { multipart } from "./targets/multipart.ts";
import { mxnetParams, mxnetSymbol } from "./targets/mxnet.ts";
import { onnxModel } from "./targets/onnx-model.ts";
import { pickledBoosters } from "./targets/pickled-boosters.ts";
import { pmmlElements, pmmlText } from "./targets/pmml.ts";
import { predictMessage } from "./targets/predict-message.ts";
import { predictionLog } from "./targets/prediction-log.ts";
import { processing } from "./targets/processing.ts";
import { pt2Program } from "./targets/pt2-program.ts";
import { savedModel, savedModelText, signatureDef } from "./targets/saved-model.ts";
import { sessionRunMessage } from "./targets/session-run-message.ts";
import { sklearnPickle } from "./targets/sklearn-pickle.ts";
import { npy, skops } from "./targets/skops.ts";
import { sparkMetadata, sparkParquet } from "./targets/spark.ts";
import { jsonStfs } from "./targets/stfs-json.ts";
import { jsonRows, tabularExamples } from "./targets/table-rows.ts";
import { tensorProto } from "./targets/tensor-proto.ts";
import { tfRecord } from "./targets/tf-record.ts";
import { workerFrames } from "./targets/worker-frames.ts";

/** Parsers of requests, configs and models. */
export const CODEC_TARGETS: readonly FuzzTarget[] = [
  workerFrames,
  tensorProto,
  predictMessage,
  classifyMessage,
  sessionRunMessage,
  jsonPredict,
  jsonExamples,
  jsonStfs,
  jsonRows,
  tabularExamples,
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
  xgboostJson,
  xgboostUbjson,
  xgboostLegacy,
  lightgbmText,
  catboostBinary,
  catboostDocument,
  pickledBoosters,
  h2oTree,
  h2oIni,
  mxnetParams,
  mxnetSymbol,
  multipart,
  bmp,
  caffe2Net,
  caffe2NetText,
  cntkModel,
  pmmlText,
  pmmlElements,
  sparkParquet,
  sparkMetadata,
  pt2Program,
  skops,
  npy,
  bzip2,
  xz,
  lzma,
  lz4,
];
