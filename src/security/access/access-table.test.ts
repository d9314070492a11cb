import { describe, expect, test } from "vitest";
import { methodNeeds, pathNeeds } from "./access-table.ts";

describe("what a path needs", () => {
  test.each([
    ["GET", "/livez", "public"],
    ["HEAD", "/readyz", "public"],
    ["GET", "/health?verbose", "public"],
    ["POST", "/livez", "any"],
    ["GET", "/livez/", "any"],
    ["GET", "/LIVEZ", "any"],
    ["GET", "//livez", "any"],
    ["GET", "/livez%2f..%2fv1%2fconfig", "any"],
    ["GET", "/livez/../v1/config", "any"],
    ["POST", "/v1/models/m:predict", "inference"],
    ["POST", "/V1/MODELS/m/versions/1:classify?x", "inference"],
    ["POST", "/v1/models/m/gen_client?language=go", "any"],
    ["PUT", "/v1/models/m/gen_client", "inference"],
    ["POST", "/v1/models/m/gen_json", "inference"],
    ["POST", "/v1/models/m/gen_client:predict", "inference"],
    ["POST", "/v1/models/m:predict/gen_client", "inference"],
    ["PUT", "/v1/models/m", "inference"],
    ["POST", "/v1//config", "inference"],
    ["GET", "/v1/models/m/metadata", "any"],
    ["OPTIONS", "/v1/models/m:predict", "any"],
    ["GET", "/v1/config", "admin"],
    ["GET", "/v1/config/", "admin"],
    ["PUT", "/v1/Config/models/m?wait=true", "admin"],
    ["DELETE", "/V1/CONFIG/models/m", "admin"],
    ["OPTIONS", "/v1/config", "admin"],
    ["GET", "/v1/config?", "admin"],
    ["GET", "/v1/configuration", "any"],
    ["GET", "/%76%31/config", "any"],
    ["POST", "/", "inference"],
    ["POST", "/?x=/livez", "inference"],
    ["GET", "/", "any"],
    ["GET", "/metrics", "metrics"],
    ["POST", "/metrics?x", "metrics"],
    ["GET", "/dashboard/api/figures", "metrics"],
    ["GET", "/dashboard/API/Figures?since=1", "metrics"],
    ["GET", "/dashboard/api/state", "any"],
    ["GET", "/openapi.json", "any"],
    ["GET", "/nothing", "any"],
    ["OPTIONS", "*", "any"],
  ])("%s %s: %s", (method, target, needed) => {
    expect(pathNeeds("/monitoring/prometheus/metrics")(method, target)).toBe(needed);
  });

  test.each([
    ["/livez", "/livez", "metrics"],
    ["/v1/models/m", "/v1/models/m?x", "metrics"],
    ["/v1/models/m", "/v1/models/m:predict", "inference"],
    ["/v1/config", "/v1/config/models/m", "admin"],
    [undefined, "/metrics", "metrics"],
  ])("with TensorFlow Serving's metrics at %s, %s needs %s", (metricsPath, target, needed) => {
    expect(pathNeeds(metricsPath)("POST", target)).toBe(needed);
  });
});

test.each([
  ["/grpc.health.v1.Health/Check", "public"],
  ["/grpc.health.v1.Health/check", "admin"],
  ["/tensorflow.serving.PredictionService/Predict", "inference"],
  ["/tensorflow.serving.ModelService/GetModelStatus", "any"],
  ["/tensorflow.serving.ModelService/HandleReloadConfigRequest", "admin"],
  ["//grpc.health.v1.Health/Check", "admin"],
  ["/grpc.health.v1.Health/Check?x", "admin"],
  ["/some.Service/Method", "admin"],
])("%s needs %s", (path, needed) => {
  expect(methodNeeds(path)).toBe(needed);
});
