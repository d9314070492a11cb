import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { detectPlatform, PLATFORM_NAMES } from "./registry.ts";

const FIXTURES = resolve(import.meta.dirname, "../../test/fixtures");

test.each([
  ["scikitlearn", "sklearn", "sklearn/ridge/model.pkl"],
  ["scikit-learn", "sklearn", "sklearn/ridge/model.pkl"],
  ["onnx", "onnx", "onnx/zipmap_int"],
  ["pytorch_onnx", "onnx", "onnx/zipmap_int"],
  ["caffe2_onnx", "onnx", "onnx/zipmap_int"],
  ["cntk_onnx", "onnx", "onnx/zipmap_int"],
])("a config may say %s for %s", async (said, name, path) => {
  expect(PLATFORM_NAMES).toContain(said);
  expect((await detectPlatform(join(FIXTURES, path), said)).platform.name).toBe(name);
});

test.each([
  ["onnx", "onnx/zipmap_int"],
  ["tensorflow", "tensorflow/tf1_counter/1"],
  ["lightgbm", "lightgbm/multiclass/model.txt"],
  ["xgboost", "xgboost/gamma/model.json"],
  ["caffe2", "caffe2/mlp"],
  ["mxnet", "mxnet/mlp_module"],
  ["mxnet", "mxnet/mlp_module/mlp_module"],
  ["cntk", "cntk/mlp"],
  ["cntk", "cntk/v1_mlp/v1_mlp.dnn"],
  ["sklearn", "sklearn/ridge/model.pkl"],
  ["catboost", "catboost/absolute/model.cbm"],
  ["h2o", "h2o/gbm_binomial/model.zip"],
  ["pmml", "pmml/counts/model.pmml"],
  ["spark", "spark/aft/model"],
  ["pytorch", "pytorch/convnet_pt2"],
])("%s is told by its files, and found where a config names it", async (name, path) => {
  expect((await detectPlatform(join(FIXTURES, path))).platform.name).toBe(name);
  expect((await detectPlatform(join(FIXTURES, path), name)).platform.name).toBe(name);
});

test("every platform that a config may name can be asked, and says so where it finds nothing", async () => {
  for (const name of PLATFORM_NAMES) {
    const detected = await detectPlatform(join(FIXTURES, "README.md"), name).catch((reason: unknown) => reason);
    expect(detected).toMatchObject({ code: "not-found" });
  }
});
