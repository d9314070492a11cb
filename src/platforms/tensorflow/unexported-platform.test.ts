import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolders } from "../../base/test-folders.ts";
import { detectPlatform, PLATFORM_NAMES } from "../registry.ts";
import { UNEXPORTED_KINDS } from "./unexported-file.ts";
import { unexportedPlatform } from "./unexported-platform.ts";

const GRAPH = resolve(import.meta.dirname, "../../../test/fixtures/tensorflow/reading/frozen_graph/graph.pb");
const ZIP = "PK\x03\x04";
const HDF5 = "\x89HDF\r\n\x1a\n";
const TFLITE = "\x1c\x00\x00\x00TFL3";

const newFolder = temporaryFolders();

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = newFolder();
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content, "latin1");
  return folder;
}

const read = (path: string) => unexportedPlatform.read(path);

describe("is recognised and refused with the way out:", () => {
  test.each<[string, Record<string, string>, string, string]>([
    [
      "a Keras model",
      { "m.keras": ZIP },
      "m.keras",
      'a Keras model: write a SavedModel with tf.keras.models.load_model("m.keras").export(',
    ],
    ["a Keras model of old", { "m.keras": HDF5 }, "m.keras", "a Keras model: write"],
    [
      "a Keras model in HDF5",
      { "m.h5": HDF5 },
      "m.h5",
      "a Keras model in HDF5: write a SavedModel with tf.keras.models.load_model(",
    ],
    ["the same by its long name", { "m.HDF5": HDF5 }, "m.HDF5", "a Keras model in HDF5: "],
    [
      "Keras weights",
      { "m.weights.h5": HDF5 },
      "m.weights.h5",
      'a file of Keras weights, without the model: build the model, model.load_weights("m.weights.h5")',
    ],
    [
      "a TensorFlow Lite model",
      { "model.tflite": TFLITE },
      "model.tflite",
      "a TensorFlow Lite model, and there is no TensorFlow Lite engine here: serve the SavedModel it was converted from, or convert it to ONNX",
    ],
    ["a chunked SavedModel", { "saved_model.cpb": "" }, "saved_model.cpb", "a SavedModel in TensorFlow's chunked format"],
    [
      "a checkpoint",
      { checkpoint: "model_checkpoint_path: 'm'", "m.index": "", "m.data-00000-of-00001": "" },
      "checkpoint",
      "a TensorFlow checkpoint, which holds variables",
    ],
    [
      "a checkpoint without its list",
      { "m.index": "", "m.data-00000-of-00001": "" },
      "m.data-00000-of-00001",
      "a TensorFlow checkpoint",
    ],
    ["a checkpoint's graph", { "m.meta": "", "m.index": "" }, "m.index", "a TensorFlow checkpoint"],
    ["a checkpoint of the first form", { "m.ckpt": "", "m.ckpt.meta": "" }, "m.ckpt.meta", "a TensorFlow checkpoint"],
  ])("%s", async (_, files, name, message) => {
    const folder = await folderWith(files);
    expect(await detectPlatform(folder)).toEqual({ platform: unexportedPlatform, why: `holds ${name}` });
    expect(await unexportedPlatform.detect(join(folder, name))).toMatchObject({ why: expect.stringMatching(/^is a /) });
    for (const path of [folder, join(folder, name)]) {
      await expect(read(path)).rejects.toMatchObject({
        name: "ServingError",
        code: "unimplemented",
        message: expect.stringContaining(`${name} is ${message}`),
      });
    }
  });

  test("a frozen graph, alone or named", async () => {
    const folder = newFolder();
    await cp(GRAPH, join(folder, "graph.pb"));
    const refusal = {
      code: "unimplemented",
      message: expect.stringMatching(/^graph\.pb is a frozen TensorFlow graph .*simple_save/),
    };
    await expect(read(folder)).rejects.toMatchObject(refusal);
    await cp(GRAPH, join(folder, "other.pb"));
    expect(await unexportedPlatform.detect(folder)).toBeUndefined();
    await expect(read(join(folder, "graph.pb"))).rejects.toMatchObject(refusal);
  });
});

describe("is not", () => {
  test.each<[string, Record<string, string>]>([
    ["an HDF5 file by name alone", { "m.h5": "text" }],
    ["a zip file of another name", { "m.zip": ZIP }],
    ["a file of the same extension that is no Keras model", { "m.keras": "text" }],
    [
      "a net of Caffe2, which has its name where a GraphDef has a node",
      { "net.pb": "\x0a\x03net\x12\x07\x0a\x01x\x12\x01y\x22\x00" },
    ],
    ["what is beside a SavedModel", { "fingerprint.pb": "\x08\x01" }],
    ["an index of something else", { "search.index": "", "photo.meta": "" }],
    ["a file called checkpoint alone", { checkpoint: "" }],
    ["a hidden file", { ".m.h5": HDF5 }],
    ["nothing", {}],
  ])("%s", async (_, files) => {
    const folder = await folderWith(files);
    for (const path of [folder, ...Object.keys(files).map((name) => join(folder, name))]) {
      expect(await unexportedPlatform.detect(path)).toBeUndefined();
    }
    await expect(read(folder)).rejects.toMatchObject({ code: "not-found" });
  });

  test("a folder of that name", async () => {
    const folder = newFolder();
    await mkdir(join(folder, "saved_model.cpb"));
    expect(await unexportedPlatform.detect(folder)).toBeUndefined();
    expect(await unexportedPlatform.detect(join(folder, "nowhere"))).toBeUndefined();
  });
});

test("is asked last: another platform's file wins", async () => {
  const folder = await folderWith({ "m.keras": ZIP, "model.onnx": "" });
  expect(await detectPlatform(folder)).toMatchObject({ platform: { name: "onnx" } });
  expect(await detectPlatform(folder, "tensorflow")).toMatchObject({ platform: unexportedPlatform });
});

test("has the name of TensorFlow's platform, which is known once", async () => {
  expect(PLATFORM_NAMES.filter((name) => name === "tensorflow")).toHaveLength(1);
  await expect(detectPlatform(newFolder(), "tensorflow")).rejects.toMatchObject({
    message: expect.stringMatching(/\(looked for tensorflow: a folder with saved_model\.pb or saved_model\.pbtxt\)$/),
  });
});

test("is described in the README as the code has it", async () => {
  const readme = await readFile(join(import.meta.dirname, "README.md"), "utf8");
  for (const { what } of UNEXPORTED_KINDS) expect(readme).toContain(what);
});
