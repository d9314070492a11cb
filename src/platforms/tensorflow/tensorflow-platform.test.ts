import { execFileSync } from "node:child_process";
import { cp, mkdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolders } from "../../base/test-folders.ts";
import { detectPlatform } from "../registry.ts";
import { tensorflowPlatform } from "./tensorflow-platform.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures/tensorflow");
const COUNTER = join(FIXTURES, "tf1_counter/1");
const ODD = join(FIXTURES, "reading/odd_signatures/1");
const NEVER = new AbortController().signal;

const newFolder = temporaryFolders();

async function copyOf(model: string): Promise<string> {
  const folder = newFolder();
  await cp(model, folder, { recursive: true });
  return folder;
}

const read = (path: string, tags?: readonly string[]) => tensorflowPlatform.read(path, NEVER, tags && { tags });

describe("a SavedModel is", () => {
  test.each([
    ["a folder with saved_model.pb", "tf1_counter/1", "holds saved_model.pb", "tf1_counter/1"],
    ["a folder with saved_model.pbtxt", "reading/tf2_text/1", "holds saved_model.pbtxt", "reading/tf2_text/1"],
    ["the file itself", "tf1_counter/1/saved_model.pb", "is saved_model.pb", "tf1_counter/1"],
  ])("%s", async (_, path, why, folder) => {
    expect(await detectPlatform(join(FIXTURES, path))).toEqual({ platform: tensorflowPlatform, why });
    expect(await read(join(FIXTURES, path))).toMatchObject({ runtime: "tensorflow", folder: join(FIXTURES, folder) });
  });

  test("not anything else", async () => {
    const folder = newFolder();
    await mkdir(join(folder, "saved_model.pb"));
    await writeFile(join(folder, "model.pb"), "");
    for (const path of [folder, join(folder, "model.pb"), join(folder, "nowhere")]) {
      expect(await tensorflowPlatform.detect(path)).toBeUndefined();
    }
    await expect(read(folder)).rejects.toMatchObject({
      code: "not-found",
      message: "there is no saved_model.pb and no saved_model.pbtxt",
    });
  });

  test("what it is with a TensorFlow Lite model beside it", async () => {
    const folder = await copyOf(COUNTER);
    await writeFile(join(folder, "model.tflite"), "\x1c\x00\x00\x00TFL3");
    expect(await detectPlatform(folder)).toMatchObject({ why: "holds saved_model.pb" });
  });

  test("read from saved_model.pb where there is text too", async () => {
    const folder = await copyOf(COUNTER);
    await writeFile(join(folder, "saved_model.pbtxt"), "broken {");
    await read(folder);
  });
});

describe("reads", () => {
  test("signatures, version and size of a model of TensorFlow 1, with its reference variable", async () => {
    const program = await read(COUNTER);
    expect(program).toMatchObject({ tags: ["serve"], bytes: 5469 + 127, tensorflowVersion: expect.stringMatching(/^1\.15/) });
    expect([...program.signatures.keys()].sort()).toEqual(["get_counter", "incr_counter", "incr_counter_by", "reset_counter"]);
    expect(program.signatures.get("incr_counter_by")).toMatchObject({
      inputs: [{ alias: "delta", name: "delta:0", dtype: "float32", shape: [] }],
      outputs: [{ alias: "output", dtype: "float32" }],
      methodName: "tensorflow/serving/predict",
    });
    expect(program.opTypes).toContain("VariableV2");
    expect(program).not.toHaveProperty("sessionOverrides");
  });

  test("a model of TensorFlow 2, whose initializer cannot be called", async () => {
    const { signatures, opTypes } = await read(join(FIXTURES, "tf2_vocab_table/1"));
    expect(signatures.get("serving_default")).not.toHaveProperty("uncallable");
    expect(signatures.get("__saved_model_init_op")).toMatchObject({
      outputs: [],
      uncallable: "it has no output that is a tensor",
    });
    expect(opTypes).toContain("HashTableV2");
    expect(opTypes?.filter((name) => name.startsWith("__inference"))).toEqual([]);
  });

  test.each(["default_inputs", "default_inputs_text"])("the defaults of %s", async (name) => {
    const { signatures, defaults } = await read(join(FIXTURES, "reading", name, "1"));
    expect([...defaults].map(([signature, values]) => [signature, [...values.keys()]])).toEqual([["serving_default", ["a"]]]);
    expect(signatures.get("serving_default")?.inputs).toMatchObject([{ alias: "a", optional: true }, { alias: "x" }]);
  });

  test("a program that can be sent to another thread", async () => {
    const program = await read(ODD);
    expect(structuredClone(program)).toEqual(program);
  });

  test("what the model asks of the session", async () => {
    const folder = await copyOf(COUNTER);
    const config = join(FIXTURES, "reading/session_config");
    await mkdir(join(folder, "assets.extra"));
    await cp(join(config, "saved_model_config.pb"), join(folder, "assets.extra/saved_model_config.pb"));
    const { sessionOverrides } = await read(folder);
    expect(Buffer.from(sessionOverrides!).equals(await readFile(join(config, "config_proto.pb")))).toBe(true);
  });

  test("a model without variables", async () => {
    const folder = join(FIXTURES, "cases/jt_int32/1");
    expect(await read(folder)).toMatchObject({ folder, tensorflowVersion: expect.stringMatching(/^2\./) as string });
  });

  test.each([
    ["without the folder of its variables", "variables"],
    ["without the list of its variables", "variables/variables.index"],
  ])("no graph %s, with which every request would fail", async (_, missing) => {
    const folder = await copyOf(COUNTER);
    await rm(join(folder, missing), { recursive: true });
    await expect(read(folder)).rejects.toMatchObject({
      code: "data-loss",
      message: "variables/variables.index is missing, and the graph of saved_model.pb has variables: copy the whole folder",
    });
  });
});

describe("chooses the graph with exactly the tags", () => {
  test.each<[readonly string[] | undefined, string]>([
    [undefined, "1.15.1"],
    [["serve"], "1.15.1"],
    [["gpu", "serve", "gpu"], "1.15.2"],
    [[], "1.15.0"],
  ])("%j", async (tags, tensorflowVersion) => {
    expect(await read(ODD, tags)).toMatchObject({ tensorflowVersion, tags: [...new Set(tags ?? ["serve"])] });
  });

  test("and names the sets there are when there is none", async () => {
    await expect(read(ODD, ["gpu"])).rejects.toMatchObject({
      code: "not-found",
      message:
        "saved_model.pb has no graph with exactly the tags {gpu}: ask for the tags of one it has ({serve}, {serve, gpu}, {train}, {})",
    });
  });

  test("naming no more than a few of many", async () => {
    const folder = newFolder();
    const graph = Buffer.concat([Buffer.from([0x12, 124, 0x0a, 122, 0x22, 120]), Buffer.alloc(120, "t")]);
    await writeFile(join(folder, "saved_model.pb"), Buffer.concat(Array.from({ length: 100 }, () => graph)));
    const error = await read(folder).catch((reason: Error) => reason);
    expect((error as Error).message).toMatch(/\(\{t{100}\.\.\.\}, .*, \.\.\.\)$/);
    expect((error as Error).message.length).toBeLessThan(1000);
  });
});

describe("a broken model", () => {
  const cases: [string, string | Buffer, string, string][] = [
    ["that is empty", "", "data-loss", "saved_model.pb is empty"],
    ["that is garbage", "garbage that is no model", "data-loss", "saved_model.pb is not a sound SavedModel: "],
    ["without a graph", "\x08\x01", "invalid-argument", "saved_model.pb is not a SavedModel: it holds no graph"],
    [
      "that Git LFS keeps elsewhere",
      "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
      "data-loss",
      'saved_model.pb is only a pointer to a file that Git LFS keeps: fetch it with "git lfs pull"',
    ],
    [
      "of which a signature is broken",
      Buffer.from("12130a07220573657276652a080a017312031a01ff", "hex"),
      "data-loss",
      'signature "s" of saved_model.pb cannot be read: malformed protobuf message: it is no SignatureDef',
    ],
  ];
  test.each(cases)("%s", async (_, content, code, message) => {
    const folder = newFolder();
    await writeFile(join(folder, "saved_model.pb"), content, "latin1");
    await expect(read(folder)).rejects.toMatchObject({ name: "ServingError", code, message: expect.stringContaining(message) });
  });

  test("that is a frozen graph under another name", async () => {
    const folder = newFolder();
    await cp(join(FIXTURES, "reading/frozen_graph/graph.pb"), join(folder, "saved_model.pb"));
    await expect(read(folder)).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringMatching(/^saved_model\.pb is a frozen TensorFlow graph .*simple_save/),
    });
  });

  test("that is cut off", async () => {
    const folder = await copyOf(COUNTER);
    await truncate(join(folder, "saved_model.pb"), 3000);
    await expect(read(folder)).rejects.toMatchObject({
      code: "data-loss",
      message: expect.stringMatching(/^saved_model\.pb is not a sound SavedModel: .* at byte \d+$/),
    });
  });

  test("whose text is broken", async () => {
    const folder = newFolder();
    await writeFile(join(folder, "saved_model.pbtxt"), "saved_model_schema_version: 1\nmeta_graphs {");
    await expect(read(folder)).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining("saved_model.pbtxt is not a sound SavedModel: 2:14: "),
    });
  });

  test.runIf(process.platform !== "win32")("whose files are no files", async () => {
    const pipe = newFolder();
    execFileSync("mkfifo", [join(pipe, "saved_model.pb")]);
    await expect(read(pipe)).rejects.toMatchObject({ message: "saved_model.pb is not a regular file" });

    const dangling = newFolder();
    await symlink(join(dangling, "nowhere"), join(dangling, "saved_model.pb"));
    await expect(read(dangling)).rejects.toMatchObject({ code: "not-found", message: "saved_model.pb cannot be read" });

    const variables = await copyOf(COUNTER);
    execFileSync("mkfifo", [join(variables, "variables/variables.data-00001-of-00002")]);
    await expect(read(variables)).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining("not a regular file"),
    });
  });

  test("whose variables are elsewhere", async () => {
    const folder = await copyOf(COUNTER);
    await rm(join(folder, "variables"), { recursive: true });
    await symlink(join(COUNTER, "variables"), join(folder, "variables"));
    await expect(read(folder)).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringMatching(/^the model names the file "variables\/.*": it leads out of the model's folder$/),
    });
  });

  test.each([
    ["broken", "\x0a\x05", "data-loss", "assets.extra/saved_model_config.pb is not a SavedModelConfig"],
    ["too long", "x".repeat(2 ** 20 + 1), "invalid-argument", "assets.extra/saved_model_config.pb has more than 1048576 bytes"],
  ])("whose config is %s", async (_, content, code, message) => {
    const folder = await copyOf(COUNTER);
    await mkdir(join(folder, "assets.extra"));
    await writeFile(join(folder, "assets.extra/saved_model_config.pb"), content, "latin1");
    await expect(read(folder)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });
});

test("stops when it is cancelled", async () => {
  await expect(tensorflowPlatform.read(COUNTER, AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
});
