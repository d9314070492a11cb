import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { FakeClock } from "../base/fake-clock.ts";
import { temporaryFolders } from "../base/test-folders.ts";
import { SavedModelSchema } from "../gen/tensorflow/core/protobuf/saved_model_pb.ts";
import type { Runtime } from "../model/runtime.ts";
import { PREDICT_METHOD, type Signatures } from "../tensor/signature.ts";
import { packStrings } from "../tensor/string-array.ts";
import { type LoadReport, PlatformLoader } from "./platform-loader.ts";
import { readProcessingFiles } from "./processing-file.ts";

const newFolder = temporaryFolders();
const NEVER = new AbortController().signal;

/** A folder of these files. */
function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = newFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

const labels = (file: string) => `postprocess: [{labels: {vocabulary: "${file}"}}]`;
const MARSHAL = Uint8Array.of(0x63, 0, 0, 0, 0);

describe("what lies beside a model", () => {
  test.each(["processing.yaml", "processing.yml", "processing.json"])("is read from %s, and its vocabularies", async (name) => {
    const text = name.endsWith("json") ? `{"postprocess": [{"labels": {"vocabulary": "v/names.txt"}}]}` : labels("v/names.txt");
    const folder = folderOf({ [name]: text, "v/names.txt": "null\r\nöl\n\n" });
    const { declared, hooks } = await readProcessingFiles(folder, NEVER);
    expect(hooks).toEqual([]);
    expect(declared?.file).toBe(name);
    expect(declared?.vocabularies).toEqual(new Map([["v/names.txt", packStrings(["null", "öl", ""])]]));
  });

  test("is nothing where there is no such file", async () => {
    expect(await readProcessingFiles(folderOf({ "processing.yaml.bak": "x" }), NEVER)).toEqual({
      declared: undefined,
      hooks: [],
    });
    expect(await readProcessingFiles(join(newFolder(), "nowhere"), NEVER)).toEqual({ declared: undefined, hooks: [] });
  });

  test("of a bare file is NAME.processing.yaml, with its vocabularies written in it", async () => {
    const folder = folderOf({
      "iris.onnx": "m",
      "iris.processing.yaml": "postprocess: [{labels: {vocabulary: [a, 7]}}]",
      "processing.yaml": "broken: [",
    });
    const { declared } = await readProcessingFiles(join(folder, "iris.onnx"), NEVER);
    expect(declared?.signatures.get("serving_default")?.postprocess).toEqual([{ kind: "labels", vocabulary: ["a", "7"] }]);
    writeFileSync(join(folder, "iris.processing.yaml"), labels("names.txt"));
    await expect(readProcessingFiles(join(folder, "iris.onnx"), NEVER)).rejects.toThrow(
      'iris.processing.yaml: the vocabulary "names.txt" has to be written in it, iris.onnx has no folder of its own',
    );
  });

  test("may be a vocabulary in JSON, of strings and whole numbers", async () => {
    const folder = folderOf({ "processing.yaml": labels("names.json"), "names.json": '["a", 7, "ü"]' });
    expect((await readProcessingFiles(folder, NEVER)).declared?.vocabularies.get("names.json")).toEqual(
      packStrings(["a", "7", "ü"]),
    );
  });
});

describe("is refused, naming the file", () => {
  const cases: readonly [string, Readonly<Record<string, string | Uint8Array>>, string][] = [
    [
      "two files",
      { "processing.yaml": "", "processing.json": "" },
      "processing.yaml and processing.json are both there: keep one",
    ],
    ["what is no YAML", { "processing.yaml": "a: [" }, "processing.yaml:1:5: "],
    ["what is no UTF-8", { "processing.yaml": Uint8Array.of(0xff) }, "processing.yaml is not UTF-8"],
    [
      "a vocabulary that is not there",
      { "processing.yaml": labels("v.txt") },
      'processing.yaml: the model names the file "v.txt": there is no such file',
    ],
    [
      "a vocabulary outside",
      { "processing.yaml": labels("../v.txt") },
      'processing.yaml: the model names the file "../v.txt": the name holds ".."',
    ],
    [
      "a vocabulary elsewhere",
      { "processing.yaml": labels("/etc/passwd") },
      'processing.yaml: the model names the file "/etc/passwd": the name is absolute',
    ],
    ["an empty vocabulary", { "processing.yaml": labels("v.txt"), "v.txt": "" }, "processing.yaml: v.txt: it has no entries"],
    [
      "a vocabulary of other bytes",
      { "processing.yaml": labels("v.txt"), "v.txt": Uint8Array.of(0xc3) },
      "processing.yaml: v.txt: it is not UTF-8",
    ],
    [
      "a vocabulary that is no list",
      { "processing.yaml": labels("v.json"), "v.json": "{}" },
      "processing.yaml: v.json: expected a list of strings",
    ],
    [
      "a vocabulary that is no JSON",
      { "processing.yaml": labels("v.json"), "v.json": "[" },
      "processing.yaml: v.json: it is not JSON",
    ],
    [
      "an entry that is no string",
      { "processing.yaml": labels("v.json"), "v.json": '["a", null]' },
      "processing.yaml: v.json: entry 1 is neither a string nor a whole number",
    ],
  ];
  test.each(cases)("%s", async (_, files, message) => {
    await expect(readProcessingFiles(folderOf(files), NEVER)).rejects.toMatchObject({
      name: "ServingError",
      code: "invalid-argument",
      message: expect.stringContaining(message),
    });
  });

  test("a vocabulary behind a link that leads out", async () => {
    const folder = folderOf({ "processing.yaml": labels("v.txt") });
    symlinkSync("/etc/hostname", join(folder, "v.txt"));
    await expect(readProcessingFiles(folder, NEVER)).rejects.toThrow(
      `processing.yaml: the model names the file "v.txt": it leads out of the model's folder`,
    );
  });

  test("files that are too long", async () => {
    const folder = folderOf({ "processing.yaml": labels("v.txt"), "v.txt": "" });
    truncateSync(join(folder, "v.txt"), 33 * 2 ** 20);
    await expect(readProcessingFiles(folder, NEVER)).rejects.toThrow(
      "processing.yaml: v.txt has 34603008 bytes, of at most 33554432",
    );
    truncateSync(join(folder, "processing.yaml"), 5 * 2 ** 20);
    await expect(readProcessingFiles(folder, NEVER)).rejects.toThrow("processing.yaml has 5242880 bytes, of at most 4194304");
  });
});

describe("a version", () => {
  const INNER: Signatures = new Map([
    [
      "serving_default",
      {
        inputs: [{ alias: "x", name: "x", dtype: "float32", shape: [-1, 4] }],
        outputs: [{ alias: "y", name: "y", dtype: "int64", shape: [-1] }],
        methodName: PREDICT_METHOD,
      },
    ],
  ]);

  /** Loads a folder with a runtime that takes anything; what was reported, logged and loaded. */
  async function load(path: string) {
    const reports: LoadReport[] = [];
    const logged: unknown[] = [];
    const loads: unknown[] = [];
    const runtime = (name: "onnxruntime" | "tensorflow"): Runtime => ({
      name,
      load: async (program) => {
        loads.push(program);
        return { runtime: name, signatures: INNER, handle: "h" };
      },
      attach: () => expect.fail("nobody attaches"),
      unload: async () => undefined,
    });
    const loader = new PlatformLoader({ name: "m", version: 1n }, path, undefined, {
      runtimes: new Map([
        ["onnxruntime", runtime("onnxruntime")],
        ["tensorflow", runtime("tensorflow")],
      ]),
      clock: new FakeClock(),
      report: (report) => reports.push(report),
      log: { debug: () => undefined, info: (event, fields) => logged.push([event, fields]) },
    });
    const model = await loader.load(NEVER).catch((reason: Error) => reason);
    return { model, report: reports[0], logged, loads };
  }

  const ONNX = { "model.onnx": readFileSync(new URL("../../test/fixtures/onnx/bool_where/model.onnx", import.meta.url)) };
  const saved = (...collections: readonly string[]) => {
    const collectionDef = Object.fromEntries(collections.map((name) => [name, {}]));
    const message = create(SavedModelSchema, {
      savedModelSchemaVersion: 1n,
      metaGraphs: [{ metaInfoDef: { tags: ["serve"] }, collectionDef }],
    });
    return { "saved_model.pb": toBinary(SavedModelSchema, message) };
  };

  test("is shown as the file makes it, and keeps what its engine has", async () => {
    const folder = folderOf({ ...ONNX, "processing.yaml": labels("v.txt"), "v.txt": "a\nb" });
    const { model, report } = await load(folder);
    expect(model).toMatchObject({
      processing: { inner: INNER, file: "processing.yaml" },
      about: { why: "holds model.onnx, with processing.yaml" },
      signatures: new Map([
        ["serving_default", expect.objectContaining({ outputs: [{ alias: "y", name: "y", dtype: "string", shape: [-1] }] })],
      ]),
    });
    expect(report).toMatchObject({ platform: "onnx", why: "holds model.onnx, with processing.yaml" });
  });

  test("without a file is as it was", async () => {
    const { model } = await load(folderOf(ONNX));
    expect(model).toMatchObject({ signatures: INNER });
    expect(model).not.toHaveProperty("processing");
  });

  test("whose file does not fit its signature is not loaded", async () => {
    const { model } = await load(folderOf({ ...ONNX, "processing.yaml": "postprocess: [{softmax: }]" }));
    expect(model).toMatchObject({
      code: "invalid-argument",
      message: `processing.yaml: signature "serving_default": postprocess step 1 (softmax): axis -1 of [-1]: the entries of the first axis are the rows, which no step mixes`,
    });
  });

  const hooked: readonly [string, Readonly<Record<string, string | Uint8Array>>, string][] = [
    ["a file beside an ONNX model", { ...ONNX, "preprocess_function.marshal": MARSHAL }, "preprocess_function.marshal"],
    [
      "both files",
      { ...ONNX, "preprocess_function.marshal": MARSHAL, "postprocess_function.marshal": MARSHAL },
      "preprocess_function.marshal and postprocess_function.marshal",
    ],
    ["a collection of a SavedModel", saved("variables", "postprocess_function"), "the collection postprocess_function"],
    [
      "collections of one in text",
      {
        "saved_model.pbtxt":
          'meta_graphs { meta_info_def { tags: "serve" } collection_def { key: "preprocess_function" value { bytes_list { value: "c" } } } }',
      },
      "the collection preprocess_function",
    ],
  ];
  test.each(hooked)("with Python code as hooks is not loaded: %s", async (_, files, names) => {
    const { model, loads } = await load(folderOf(files));
    expect(model).toMatchObject({
      code: "failed-precondition",
      message:
        `${names} of the model: Python code for Simple TensorFlow Serving, which is not run here. ` +
        "Declare in processing.yaml, beside the model, what it does to requests and answers (docs/guide/processing.md)",
    });
    expect(loads).toEqual([]);
  });

  test.each(hooked)("with Python code as hooks and a file of its own is loaded, and says so: %s", async (_, files, names) => {
    const { model, logged } = await load(folderOf({ ...files, "processing.yaml": "outputs: [y]" }));
    expect(model).toMatchObject({ handle: "h" });
    expect(logged).toEqual([
      ["hooks_passed_over", { model: "m", version: "1", hooks: names.split(" and "), file: "processing.yaml" }],
    ]);
  });
});
