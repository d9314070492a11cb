import { beforeEach, describe, expect, test } from "vitest";
import { createLog } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import { LATEST_VERSION, type ModelConfig, NO_TRAFFIC_SPLIT } from "../config/model-config.ts";
import { parseModelConfig } from "../config/model-config-document.ts";
import { formatModelConfigs, modelConfigJson } from "../config/model-config-json.ts";
import type { ServableState } from "../core/servable-state.ts";
import type { AdminCall, ChangeTerms } from "../serving/admin.ts";
import { ModelAdmin } from "./model-admin.ts";
import { type ModelLayers, modelsOf, replaced } from "./model-layers.ts";

/** A core that keeps layers and refuses what it is told to. */
class FakeCore {
  layers: ModelLayers = replaced([model("iris")]);
  refusal: ServingError | undefined;
  arrived: ServableState = { id: { name: "iris", version: 1n }, managerState: "AVAILABLE", health: undefined };
  /** What comes between the reading of a request and its turn. */
  before: (() => void) | undefined;

  get models(): readonly ModelConfig[] {
    return modelsOf(this.layers);
  }

  async change(edit: (layers: ModelLayers) => ModelLayers): Promise<void> {
    await Promise.resolve();
    this.before?.();
    const layers = edit(this.layers);
    if (this.refusal !== undefined) throw this.refusal;
    this.layers = layers;
  }

  async arrival(): Promise<ServableState> {
    return this.arrived;
  }
}

const FREE: ChangeTerms = { ifMatch: [], ifNew: false, wait: false, write: false };
const put = (name: string, config: string, terms: Partial<ChangeTerms> = {}): AdminCall => ({
  kind: "put",
  model: name,
  config,
  terms: { ...FREE, ...terms },
});
const remove = (name: string, terms: Partial<ChangeTerms> = {}): AdminCall => ({
  kind: "delete",
  model: name,
  terms: { ...FREE, ...terms },
});

function model(name: string, basePath = `/models/${name}`): ModelConfig {
  return { name, basePath, versionPolicy: LATEST_VERSION, labels: new Map(), trafficSplit: NO_TRAFFIC_SPLIT };
}

let core: FakeCore;
let written: string[][];
let writing: Error | undefined;
/** What comes between a change and its turn to be written. */
let beforeWriting: (() => void) | undefined;
let admin: ModelAdmin;

function create(writable = true): ModelAdmin {
  return new ModelAdmin({
    core,
    read: (text, name, current) => parseModelConfig(name, text, { platforms: ["onnx"], current }),
    print: modelConfigJson,
    printAll: formatModelConfigs,
    writeBack: writable
      ? async () => {
          if (writing !== undefined) throw writing;
          beforeWriting?.();
          written.push(core.models.map(({ name }) => name));
          return core.models;
        }
      : undefined,
    log: createLog("silent"),
  });
}

const paths = () => core.models.map(({ basePath }) => basePath);
const tagOf = async (name: string) => ((await admin.answer({ kind: "get", model: name })) as { tag: string }).tag;

beforeEach(() => {
  core = new FakeCore();
  [written, writing, beforeWriting] = [[], undefined, undefined];
  admin = create();
});

describe("reading", () => {
  test("gives every model, or one, as JSON", async () => {
    core.layers = replaced([model("iris"), model("rose")]);
    const list = await admin.answer({ kind: "list" });
    expect(JSON.parse((list as { config: string }).config).models).toMatchObject([{ name: "iris" }, { name: "rose" }]);
    const one = await admin.answer({ kind: "get", model: "rose" });
    expect(JSON.parse((one as { config: string }).config)).toEqual({ name: "rose", base_path: "/models/rose" });
  });

  test("of a model that is not there is refused", async () => {
    await expect(admin.answer({ kind: "get", model: "rose" })).rejects.toMatchObject({ code: "not-found" });
  });

  test("gives another tag once the config is another one, and the same for the same", async () => {
    const before = await tagOf("iris");
    expect(await tagOf("iris")).toBe(before);
    await admin.answer(put("iris", '{"base_path": "/other"}'));
    expect(await tagOf("iris")).not.toBe(before);
  });
});

describe("a change", () => {
  test("creates a model, replaces one and takes one away", async () => {
    expect(await admin.answer(put("rose", '{"base_path": "/rose", "labels": {"a": 9007199254740993}}'))).toMatchObject({
      kind: "created",
      config: expect.stringContaining("9007199254740993"),
    });
    expect(await admin.answer(put("iris", '{"base_path": "/other"}'))).toMatchObject({ kind: "replaced" });
    expect(paths()).toEqual(["/other", "/rose"]);
    expect(await admin.answer(remove("iris"))).toEqual({ kind: "deleted" });
    expect(paths()).toEqual(["/rose"]);
    expect(written).toEqual([]);
  });

  test.each([
    ["{", /^1:2: /],
    ['{"base_path": "relative"}', /^1:15: Expected model iris to have an absolute path/],
    ['{\n  "base_path": "/a",\n  "lables": {}\n}', /^3:3: .*did you mean labels/],
    ['{"name": "rose", "base_path": "/a"}', /^1:10: name is "rose", expected "iris"/],
    ['{"base_path": "/a", "platform": "none"}', /^1:33: Model iris requests unsupported platform none/],
    ['{"base_path": "/a", "labels": {"a": 1}, "traffic_split": {"b": 1}}', /^1:59: .*label b/],
  ])("to %s is refused, with the place of the fault", async (config, message) => {
    await expect(admin.answer(put("iris", config))).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringMatching(message),
    });
    expect(paths()).toEqual(["/models/iris"]);
  });

  test("of a model that is not there cannot be its end", async () => {
    await expect(admin.answer(remove("rose"))).rejects.toMatchObject({ code: "not-found" });
  });

  test("that the core refuses is refused", async () => {
    core.refusal = new ServingError("failed-precondition", "not now");
    await expect(admin.answer(put("iris", '{"base_path": "/other"}', { write: true }))).rejects.toThrow("not now");
    expect(written).toEqual([]);
  });
});

describe("the terms of a change", () => {
  test("hold while the config has one of the tags", async () => {
    const tag = await tagOf("iris");
    expect(await admin.answer(put("iris", '{"base_path": "/b"}', { ifMatch: ["other", tag] }))).toMatchObject({
      kind: "replaced",
    });
    expect(await admin.answer(put("iris", '{"base_path": "/c"}', { ifMatch: [tag] }))).toEqual({
      kind: "mismatch",
      message: "the config of model iris has changed since it was read; read it again",
    });
    expect(await admin.answer(remove("iris", { ifMatch: [tag] }))).toMatchObject({ kind: "mismatch" });
    expect(paths()).toEqual(["/b"]);
    expect(await admin.answer(remove("iris", { ifMatch: ["*"] }))).toEqual({ kind: "deleted" });
    expect(await admin.answer(put("iris", '{"base_path": "/d"}', { ifMatch: ["*"] }))).toMatchObject({ kind: "mismatch" });
  });

  test("are looked at when the change has its turn, not before", async () => {
    const tag = await tagOf("iris");
    core.before = () => {
      core.layers = replaced([model("iris", "/by-somebody-else")]);
    };
    expect(await admin.answer(put("iris", '{"base_path": "/b"}', { ifMatch: [tag] }))).toMatchObject({ kind: "mismatch" });
    expect(paths()).toEqual(["/by-somebody-else"]);
  });

  test("may be that the model is new", async () => {
    expect(await admin.answer(put("iris", '{"base_path": "/b"}', { ifNew: true }))).toEqual({
      kind: "mismatch",
      message: "there is a model iris already",
    });
    expect(await admin.answer(put("rose", '{"base_path": "/b"}', { ifNew: true }))).toMatchObject({ kind: "created" });
  });
});

describe("a change that waits", () => {
  test("is answered once a version is available", async () => {
    expect(await admin.answer(put("iris", '{"base_path": "/b"}', { wait: true }))).toMatchObject({ kind: "replaced" });
  });

  test("says why none is, and is in force all the same", async () => {
    core.arrived = {
      id: { name: "iris", version: 4n },
      managerState: "END",
      health: new ServingError("data-loss", "model.onnx is cut off"),
    };
    await expect(admin.answer(put("iris", '{"base_path": "/b"}', { wait: true }))).rejects.toMatchObject({
      code: "data-loss",
      message: expect.stringMatching(/^the config of model iris is in force, .*version: 4.*model\.onnx is cut off$/),
    });
    expect(paths()).toEqual(["/b"]);
  });
});

describe("a change that is to be written", () => {
  test("writes every model that is in force then", async () => {
    await Promise.all([
      admin.answer(put("rose", '{"base_path": "/b"}', { write: true })),
      admin.answer(put("tulip", '{"base_path": "/c"}', { write: true })),
    ]);
    expect(written.at(-1)).toEqual(["iris", "rose", "tulip"]);
    await admin.answer(remove("iris", { write: true }));
    expect(written.at(-1)).toEqual(["rose", "tulip"]);
  });

  test("is refused before anything changes when there is no file", async () => {
    admin = create(false);
    await expect(admin.answer(put("rose", '{"base_path": "/b"}', { write: true }))).rejects.toMatchObject({
      code: "failed-precondition",
      message: expect.stringContaining("there is no config file to write to"),
    });
    expect(paths()).toEqual(["/models/iris"]);
  });

  test("says that it is in force when the file could not be written, and the next one is written again", async () => {
    writing = new ServingError("failed-precondition", "the folder cannot be written");
    await expect(admin.answer(put("rose", '{"base_path": "/b"}', { write: true }))).rejects.toMatchObject({
      code: "internal",
      message: "the change is in force, but could not be written to the config file: the folder cannot be written",
    });
    writing = undefined;
    await admin.answer(put("tulip", '{"base_path": "/c"}', { write: true }));
    expect(written).toEqual([["iris", "rose", "tulip"]]);
  });

  test.each<[string, AdminCall, readonly ModelConfig[]]>([
    ["took the model away", put("rose", '{"base_path": "/b"}', { write: true }), [model("iris")]],
    ["gave the model another config", put("rose", '{"base_path": "/b"}', { write: true }), [model("rose", "/c")]],
    ["brought the model back", remove("iris", { write: true }), [model("iris")]],
  ])("is not said to be written when a reload %s meanwhile", async (_, call, reloaded) => {
    beforeWriting = () => {
      core.layers = replaced(reloaded);
    };
    await expect(admin.answer(call)).rejects.toMatchObject({ code: "aborted" });
  });
});
