import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import { temporaryFolders } from "../../base/test-folders.ts";
import { caffe2Platform } from "./caffe2-platform.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures/caffe2");
const newFolder = temporaryFolders();
const never = new AbortController().signal;

/** A folder with the two nets of a fixture under other names; `-` leaves one out. */
async function folderWith(init: string, predict: string, fixture = "mlp", ending = ".pb"): Promise<string> {
  const folder = newFolder();
  if (init !== "-") await cp(join(FIXTURES, fixture, `init_net${ending}`), join(folder, init));
  if (predict !== "-") await cp(join(FIXTURES, fixture, `predict_net${ending}`), join(folder, predict));
  return folder;
}

describe("a model is", () => {
  test.each([
    ["init_net.pb", "predict_net.pb"],
    ["init_net.pb", "exec_net.pb"],
    ["model_init.pb", "model.pb"],
    ["exec_net.pb", "model.pb"],
    ["squeeze_init_net.pb", "squeeze_predict_net.pb"],
  ])("%s with %s", async (init, predict) => {
    const folder = await folderWith(init, predict);
    await writeFile(join(folder, "labels.txt"), "cat\n");
    expect(await caffe2Platform.detect(folder)).toEqual({ why: `holds ${init} and ${predict}` });
    expect((await caffe2Platform.read(folder, never)).runtime).toBe("onnxruntime");
  });

  test("a net in text form, or one of each", async () => {
    const folder = await folderWith("init_net.pbtxt", "predict_net.pbtxt", "mlp_text", ".pbtxt");
    expect((await caffe2Platform.read(folder, never)).source).toBe("predict_net.pbtxt");
    await cp(join(FIXTURES, "mlp/init_net.pb"), join(folder, "init_net.pb"));
    expect(await caffe2Platform.detect(folder)).toEqual({ why: "holds init_net.pb and predict_net.pbtxt" });
  });

  test("exec_net.pb whichever of the two it is", async () => {
    const folder = await folderWith("model.pb", "exec_net.pb");
    const [swapped, straight] = [
      await caffe2Platform.read(folder, never),
      await caffe2Platform.read(join(FIXTURES, "mlp"), never),
    ];
    expect(swapped.weights.size).toBe(straight.weights.size);
    expect(swapped.source).toBe("exec_net.pb");
  });

  test("the usual names before others", async () => {
    const folder = await folderWith("init_net.pb", "predict_net.pb");
    await cp(join(folder, "init_net.pb"), join(folder, "a_init_net.pb"));
    await cp(join(folder, "predict_net.pb"), join(folder, "a_predict_net.pb"));
    expect(await caffe2Platform.detect(folder)).toEqual({ why: "holds init_net.pb and predict_net.pb" });
  });

  test("one of several that the reader cannot choose from", async () => {
    const folder = await folderWith("a_init_net.pb", "a_predict_net.pb");
    await cp(join(folder, "a_init_net.pb"), join(folder, "b_init_net.pb"));
    await cp(join(folder, "a_predict_net.pb"), join(folder, "b_predict_net.pb"));
    expect(await caffe2Platform.detect(folder)).toEqual({ why: "holds 2 models of Caffe2's" });
    await expect(caffe2Platform.read(folder, never)).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining("which of the 2 nets is the model (a_predict_net.pb, b_predict_net.pb)?") as string,
    });
  });

  test.each([
    ["init_net.pb", "-", "predict_net.pb is missing: a model of Caffe2's is two nets, and here is only init_net.pb"],
    ["-", "predict_net.pb", "init_net.pb is missing: a model of Caffe2's is two nets, and here is only predict_net.pb"],
  ])("both files: %s and %s are refused", async (init, predict, message) => {
    const folder = await folderWith(init, predict);
    expect(await caffe2Platform.detect(folder)).toBeDefined();
    await expect(caffe2Platform.read(folder, never)).rejects.toMatchObject({ code: "invalid-argument", message });
  });

  test("not anything else", async () => {
    const other = newFolder();
    await mkdir(join(other, "init_net.pb"));
    await writeFile(join(other, "predict_net.pb"), "\x08\x01");
    const text = await folderWith("-", "-");
    await writeFile(join(text, "init_net.pbtxt"), "node { name: 'x' }");
    await writeFile(join(text, "predict_net.pbtxt"), "node { name: 'x' }");
    for (const path of [other, text, join(FIXTURES, "mlp/init_net.pb"), join(other, "nowhere")]) {
      expect(await caffe2Platform.detect(path)).toBeUndefined();
    }
    await expect(caffe2Platform.read(other, never)).rejects.toMatchObject({ code: "not-found" });
  });
});

test("value_info.json says what the inputs are", async () => {
  const folder = await folderWith("init_net.pb", "predict_net.pb");
  await writeFile(join(folder, "value_info.json"), '{"data": [1, "x"]}');
  await expect(caffe2Platform.read(folder, never)).rejects.toThrow('value_info.json gives "data" no type and shape');
  await writeFile(join(folder, "value_info.json"), " ".repeat(2 << 20));
  await expect(caffe2Platform.read(folder, never)).rejects.toThrow("value_info.json is larger than 1 MiB");
});

describe.each([
  ["init_net.pb", "convnet"],
  ["predict_net.pb", "convnet"],
  ["init_net.pbtxt", "mlp_text"],
  ["predict_net.pbtxt", "mlp_text"],
])("%s of %s", (name, fixture) => {
  async function faults(change: (bytes: Buffer, i: number) => Buffer): Promise<string[]> {
    const ending = extname(name);
    const folder = await folderWith(`init_net${ending}`, `predict_net${ending}`, fixture, ending);
    const whole = await readFile(join(folder, name));
    const messages: string[] = [];
    for (let i = 0; i < 200; i++) {
      await writeFile(join(folder, name), change(whole, i));
      try {
        await caffe2Platform.read(folder, never);
      } catch (reason) {
        expect(reason).toBeInstanceOf(ServingError);
        expect((reason as ServingError).code).toMatch(/^(data-loss|invalid-argument|unimplemented|not-found)$/);
        messages.push((reason as ServingError).message);
      }
    }
    return messages;
  }

  test("cut off at 200 places is refused by its name, or by that of what then lacks something", async () => {
    const messages = await faults((bytes, i) => bytes.subarray(0, Math.floor((i * bytes.length) / 200)));
    expect(messages.filter((message) => !/init_net|predict_net|no model of Caffe2's/.test(message))).toEqual([]);
    expect(messages.length).toBeGreaterThan(150);
  });

  test("changed at 200 places is read, or refused by name", async () => {
    const messages = await faults((bytes, i) => {
      const changed = Buffer.from(bytes);
      changed[Math.floor((i * bytes.length) / 200)]! ^= 1 << (i % 8);
      return changed;
    });
    expect(messages.filter((message) => !/init_net|predict_net|no model of Caffe2's/.test(message))).toEqual([]);
  });
});
