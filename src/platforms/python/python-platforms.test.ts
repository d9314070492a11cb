import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { temporaryFolders } from "../../base/test-folders.ts";
import { handlerPlatform } from "./handler-platform.ts";
import { picklePlatform } from "./pickle-platform.ts";
import { torchPlatform } from "./torch-platform.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures");
const FOREVER = new AbortController().signal;
const folder = temporaryFolders();

/** A zip archive of empty files, as far as a list of names goes. */
function zipOf(...names: readonly string[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const name of names) {
    const packed = deflateRawSync(Buffer.alloc(0));
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50);
    local.writeUInt16LE(8, 8);
    local.writeUInt32LE(packed.length, 18);
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50);
    entry.writeUInt16LE(8, 10);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    locals.push(local, Buffer.from(name), packed);
    central.push(entry, Buffer.from(name));
    offset += 30 + name.length + packed.length;
  }
  const list = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50);
  end.writeUInt16LE(names.length, 8);
  end.writeUInt16LE(names.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, list, end]);
}

describe("files of PyTorch's", () => {
  test.each([
    ["mlp_scripted", "holds model.pt, TorchScript", { form: "torchscript", file: "model.pt" }],
    ["mlp_scripted/model.pt", "is TorchScript", { form: "torchscript", file: "model.pt" }],
    [
      "mlp_statedict",
      "holds model.pth, saved by torch.save",
      { form: "torch-save", file: "model.pth", codeFile: "model.py", runsCode: "model.pth needs model.py, which is Python code" },
    ],
    ["mlp_pickled", "holds model.pt, saved by torch.save", { form: "torch-save", file: "model.pt", codeFile: "model.py" }],
  ])("%s is told by what it holds", async (path, why, program) => {
    const model = join(FIXTURES, "pytorch", path);
    expect((await torchPlatform.detect(model))?.why).toBe(why);
    const read = await torchPlatform.read(model, FOREVER);
    expect(read).toMatchObject(program);
    if (program.form === "torchscript") expect(read.runsCode).toBeUndefined();
  });

  test.each<[string, readonly string[], string | undefined]>([
    ["TorchScript", ["a/data.pkl", "a/constants.pkl", "a/code/__torch__.py", "a/version"], "torchscript"],
    ["weights", ["archive/data.pkl", "archive/data/0", "archive/version"], "torch-save"],
    ["an exported program", ["m/models/model.json", "m/archive_format"], "exported"],
    ["an exported program of earlier releases", ["m/serialized_exported_program.json"], "exported"],
    ["another archive", ["word/document.xml"], undefined],
  ])("%s is told by the names in the archive, not by the file's", async (_what, names, form) => {
    const path = join(folder(), "model.bin");
    writeFileSync(path, zipOf(...names));
    if (form === undefined) expect(await torchPlatform.detect(path)).toBeUndefined();
    else expect((await torchPlatform.read(path, FOREVER)).form).toBe(form);
  });

  test("what torch.save wrote before it wrote archives is known by its first bytes", async () => {
    const path = join(folder(), "old.pth");
    writeFileSync(path, Buffer.concat([Buffer.from("80028a0a6cfc9c46f9206aa850192e", "hex"), Buffer.alloc(100)]));
    expect((await torchPlatform.read(path, FOREVER)).form).toBe("torch-save");
  });

  test("machine code is refused with what to do", async () => {
    const path = join(folder(), "model.pt2");
    writeFileSync(path, zipOf("m/data/aotinductor/model/x.so", "m/archive_format"));
    await expect(torchPlatform.read(path, FOREVER)).rejects.toThrow("export the model with torch.export.save");
  });

  test("an archive that is cut off is refused by name", async () => {
    const path = join(folder(), "model.pt");
    writeFileSync(path, zipOf("a/data.pkl").subarray(0, 50));
    await expect(torchPlatform.read(path, FOREVER)).rejects.toMatchObject({
      code: "data-loss",
      message: 'the archive "model.pt" is damaged: it has no end',
    });
  });

  test("of several none is chosen", async () => {
    const path = folder();
    for (const name of ["a.pt", "b.pth"]) writeFileSync(join(path, name), zipOf("a/data.pkl"));
    await expect(torchPlatform.read(path, FOREVER)).rejects.toThrow(
      "which of the 2 files of PyTorch is the model (a.pt, b.pth)? Name it model.pt",
    );
  });

  test("a signature beside the model goes with it", async () => {
    const path = folder();
    cpSync(join(FIXTURES, "pytorch/mlp_scripted/model.pt"), join(path, "model.pt"));
    writeFileSync(join(path, "signature.json"), '{"inputs": {"x": {"dtype": "float32", "shape": [-1, 20]}}}');
    const { declared } = await torchPlatform.read(path, FOREVER);
    expect(declared).toEqual([{ name: "serving_default", inputs: [{ name: "x", dtype: "float32", shape: [-1, 20] }] }]);
  });
});

describe("handlers", () => {
  test("a folder with handler.py is one, whatever else is in it", async () => {
    const path = folder();
    writeFileSync(join(path, "handler.py"), "");
    writeFileSync(join(path, "model.onnx"), "");
    expect(await handlerPlatform.detect(path)).toEqual({ why: "holds handler.py, a handler in Python" });
    expect(await handlerPlatform.read(path, FOREVER)).toEqual({
      runtime: "python",
      form: "handler",
      folder: path,
      file: "handler.py",
      runsCode: "handler.py is Python code",
    });
  });

  test("a folder of that name is none", async () => {
    const path = folder();
    mkdirSync(join(path, "handler.py"));
    expect(await handlerPlatform.detect(path)).toBeUndefined();
  });

  test("an archive of TorchServe's is one, several in a folder are a mistake", async () => {
    const path = folder();
    writeFileSync(join(path, "a.mar"), zipOf("MAR-INF/MANIFEST.json"));
    expect(await handlerPlatform.read(join(path, "a.mar"), FOREVER)).toMatchObject({
      form: "archive",
      folder: path,
      file: "a.mar",
    });
    expect((await handlerPlatform.read(path, FOREVER)).runsCode).toBe("a.mar is an archive with a handler in Python");
    writeFileSync(join(path, "b.mar"), zipOf("MAR-INF/MANIFEST.json"));
    await expect(handlerPlatform.read(path, FOREVER)).rejects.toThrow("there are several archives (a.mar, b.mar)");
  });
});

test.each([
  ["a pickle", "8004950a", true],
  ["a packed one", "1f8b0800", true],
  ["a text", "68656c6c", false],
])("%s is told by its first bytes", async (_what, hex, is) => {
  const path = join(folder(), "model.pkl");
  writeFileSync(path, Buffer.from(hex, "hex"));
  expect((await picklePlatform.detect(path)) !== undefined).toBe(is);
});
