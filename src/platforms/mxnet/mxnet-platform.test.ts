import { cp, mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolders } from "../../base/test-folders.ts";
import { mxnetPlatform } from "./mxnet-platform.ts";

const FIXTURE = resolve(import.meta.dirname, "../../../test/fixtures/mxnet/mlp_module/mlp_module");
const newFolder = temporaryFolders();
const { signal } = new AbortController();

/** A folder with the small model under other names: `a` is its graph, `a-0003` its parameters of an epoch. */
async function folderWith(...names: readonly string[]): Promise<string> {
  const folder = newFolder();
  for (const name of names) {
    const params = /-\d{4,}$/.test(name);
    await cp(
      params ? `${FIXTURE}-0001.params` : `${FIXTURE}-symbol.json`,
      join(folder, name + (params ? ".params" : "-symbol.json")),
    );
  }
  return folder;
}

describe("a model is", () => {
  test("the only pair of a folder", async () => {
    const folder = await folderWith("mx_mlp", "mx_mlp-0001");
    await writeFile(join(folder, "labels.txt"), "cat\n");
    expect(await mxnetPlatform.detect(folder)).toEqual({ why: "holds mx_mlp-symbol.json" });
    expect((await mxnetPlatform.read(folder, signal)).source).toBe("mx_mlp-symbol.json");
  });

  test("a prefix, whatever lies beside it", async () => {
    const folder = await folderWith("mx_mlp", "mx_mlp-0001", "mx", "other", "other-0000");
    expect(await mxnetPlatform.detect(join(folder, "mx_mlp"))).toEqual({ why: "is the prefix of an MXNet model" });
    expect((await mxnetPlatform.read(join(folder, "mx_mlp"), signal)).source).toBe("mx_mlp-symbol.json");
  });

  test("not one of several in a folder, which the reader cannot choose from", async () => {
    const folder = await folderWith("b", "b-0000", "a", "a-0000");
    expect(await mxnetPlatform.detect(folder)).toEqual({ why: "holds 2 MXNet models" });
    await expect(mxnetPlatform.read(folder, signal)).rejects.toMatchObject({
      code: "invalid-argument",
      message: "which of the 2 MXNet models is to be served (a, b)? Give the base path of one, such as FOLDER/a",
    });
  });

  test("not one of its files alone, nor what only is called like one", async () => {
    const folder = await folderWith("a", "a-0000");
    await mkdir(join(folder, "b-symbol.json"));
    await writeFile(join(folder, "c-symbol.json"), "graph");
    for (const name of ["a-symbol.json", "a-0000.params", "b", "c", "d", "a-0001x"]) {
      expect(await mxnetPlatform.detect(join(folder, name)), name).toBeUndefined();
    }
  });
});

describe("the epoch is", () => {
  /** All but one are damaged. */
  async function damagedBut(epoch: string): Promise<string> {
    const folder = await folderWith("m", "m-0002", "m-0010", "m-12345");
    for (const other of ["0002", "0010", "12345"].filter((each) => each !== epoch))
      await writeFile(join(folder, `m-${other}.params`), "");
    return folder;
  }

  test("the highest", async () => {
    const folder = await damagedBut("12345");
    expect((await mxnetPlatform.read(join(folder, "m"), signal)).source).toBe("m-symbol.json");
    await expect(mxnetPlatform.read(await damagedBut("0010"), signal)).rejects.toThrow("m-12345.params ends too early");
  });

  test("the one that a prefix names", async () => {
    const folder = await damagedBut("0010");
    expect(await mxnetPlatform.detect(join(folder, "m-0010"))).toEqual({
      why: "is the prefix of an MXNet model, with its epoch",
    });
    expect((await mxnetPlatform.read(join(folder, "m-0010"), signal)).source).toBe("m-symbol.json");
    await expect(mxnetPlatform.read(join(folder, "m-0003"), signal)).rejects.toThrow("m-0003.params cannot be read");
  });

  test("not there at all", async () => {
    const folder = await folderWith("m");
    await expect(mxnetPlatform.read(folder, signal)).rejects.toMatchObject({
      code: "not-found",
      message: "m-symbol.json has no parameters beside it: a file m-0000.params is expected",
    });
  });
});

test.each([
  ["{", "m-signature.json is no JSON"],
  ["{}", "m-signature.json has no list of inputs"],
  ['{"inputs": [null]}', "m-signature.json has an input without a data_name"],
  ['{"inputs": [{"data_name": "data", "data_shape": [1, "4"]}]}', 'm-signature.json has no data_shape for "data"'],
])("a signature of %s is refused", async (text, message) => {
  const folder = await folderWith("m", "m-0000");
  await writeFile(join(folder, "m-signature.json"), text);
  await expect(mxnetPlatform.read(folder, signal)).rejects.toMatchObject({
    code: "data-loss",
    message: `${message}; export the model again`,
  });
});

test.each<[string, object, string]>([
  ["no nodes", { heads: [[0, 0]] }, "m-symbol.json has no nodes"],
  ["no heads", { nodes: [], heads: [] }, "m-symbol.json has no heads"],
  [
    "a node that needs itself",
    { nodes: [{ op: "relu", name: "r", inputs: [[0, 0]] }], heads: [[0, 0]] },
    "m-symbol.json: nodes[0]: inputs[0][0] is 0 where a whole number below 0 is expected",
  ],
  [
    "a head beyond the last node",
    { nodes: [{ op: "null", name: "x", inputs: [] }], heads: [[1, 0]] },
    "m-symbol.json: heads[0][0] is 1 where a whole number below 1 is expected",
  ],
])("a graph with %s is refused", async (_what, document, message) => {
  const folder = await folderWith("m", "m-0000");
  await writeFile(join(folder, "m-symbol.json"), JSON.stringify(document));
  await expect(mxnetPlatform.read(folder, signal)).rejects.toMatchObject({
    code: "data-loss",
    message: `${message}; export the model again`,
  });
});
