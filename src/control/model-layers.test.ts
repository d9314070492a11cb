import { expect, test } from "vitest";
import { LATEST_VERSION, type ModelConfig, NO_TRAFFIC_SPLIT } from "../config/model-config.ts";
import { modelsOf, NO_MODELS, rebased, replaced, retunedModels, withModel, withoutModel } from "./model-layers.ts";

const model = (name: string, basePath = `/${name}`): ModelConfig => ({
  name,
  basePath,
  versionPolicy: LATEST_VERSION,
  labels: new Map(),
  trafficSplit: NO_TRAFFIC_SPLIT,
});
const shown = (layers: Parameters<typeof modelsOf>[0]) => modelsOf(layers).map(({ basePath }) => basePath);

test("a changed model stands in the place of the one of its name, and a new one comes last", () => {
  const layers = withModel(withModel(replaced([model("a"), model("b")]), model("c")), model("a", "/other"));
  expect(shown(layers)).toEqual(["/other", "/b", "/c"]);
});

test("changes lie over whatever is found later", () => {
  const changed = withoutModel(withModel(replaced([model("a"), model("b")]), model("a", "/other")), "b");
  expect(shown(rebased(changed, [model("a"), model("b"), model("c")]))).toEqual(["/other", "/c"]);
  expect(shown(rebased(changed, []))).toEqual(["/other"]);
});

test("a model that was taken away and is put back is there again", () => {
  expect(shown(withModel(withoutModel(replaced([model("a")]), "a"), model("a")))).toEqual(["/a"]);
});

test("a new whole leaves nothing of the changes", () => {
  const changed = withModel(NO_MODELS, model("a"));
  expect(shown(changed)).toEqual(["/a"]);
  expect(shown(replaced([model("b")]))).toEqual(["/b"]);
  expect(shown(NO_MODELS)).toEqual([]);
});

test("a known model has other options of Python when any of them changed", () => {
  const retuned = (before: ModelConfig, after: ModelConfig) => [...retunedModels([after], new Map([["a", before]]))];
  const allowed = { ...model("a"), python: { allowCode: true, workers: 2 } };
  expect(retuned(allowed, { ...model("a"), python: { workers: 2, allowCode: true } })).toEqual([]);
  expect(retuned(model("a"), allowed)).toEqual(["a"]);
});

test("a known model has other options of TensorFlow when any of them changed", () => {
  const tuned = { ...model("a"), tensorflow: { sessionConfig: Uint8Array.of(0x40, 1) } };
  const retuned = (before: ModelConfig, after: ModelConfig) => [...retunedModels([after], new Map([["a", before]]))];
  expect(retuned(tuned, { ...tuned, tensorflow: { sessionConfig: Uint8Array.of(0x40, 1) } })).toEqual([]);
  expect(retuned(tuned, { ...tuned, tensorflow: { sessionConfig: Uint8Array.of(0x40, 0) } })).toEqual(["a"]);
  expect(retuned(tuned, model("a"))).toEqual(["a"]);
  expect(retuned(model("a"), tuned)).toEqual(["a"]);
  expect(retuned(tuned, model("b"))).toEqual([]);
});
