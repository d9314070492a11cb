import { cp, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { detectPlatform } from "../registry.ts";
import { onnxPlatform } from "./onnx-platform.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures");
const EXTERNAL = join(FIXTURES, "onnx/external_data");

let folder: string;
let never: AbortSignal;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "onnx-"));
  never = new AbortController().signal;
});
afterEach(() => rm(folder, { recursive: true }));

async function put(...names: string[]): Promise<void> {
  for (const name of names) await cp(join(FIXTURES, "onnx/bool_where/model.onnx"), join(folder, name));
}

describe("a model is", () => {
  test.each([
    ["model.onnx, whatever lies beside it", ["model.onnx", "encoder.onnx"], "holds model.onnx", "model.onnx"],
    ["the only .onnx file", ["resnet.ONNX"], "holds resnet.ONNX", "resnet.ONNX"],
  ])("%s", async (_, names, why, chosen) => {
    await put(...names);
    expect(await onnxPlatform.detect(folder)).toEqual({ why });
    const program = await onnxPlatform.read(folder, never);
    expect(program).toMatchObject({ runtime: "onnxruntime", file: join(folder, chosen) });
  });

  test("a bare file", async () => {
    await put("a.onnx", "b.onnx");
    expect(await onnxPlatform.detect(join(folder, "a.onnx"))).toEqual({ why: "is an .onnx file" });
    expect(await onnxPlatform.read(join(folder, "a.onnx"), never)).toMatchObject({ file: join(folder, "a.onnx") });
  });

  test("one of several, which the reader cannot choose from", async () => {
    await put("encoder.onnx", "decoder.onnx");
    expect(await onnxPlatform.detect(folder)).toEqual({ why: "holds 2 .onnx files" });
    await expect(onnxPlatform.read(folder, never)).rejects.toMatchObject({
      code: "invalid-argument",
      message:
        "which of the 2 .onnx files is the model (decoder.onnx, encoder.onnx)? Name it model.onnx, or keep each in a folder of its own",
    });
  });

  test("not anything else", async () => {
    await mkdir(join(folder, "model.onnx"));
    await writeFile(join(folder, ".hidden.onnx"), "");
    await writeFile(join(folder, "saved_model.pb"), "");
    for (const path of [folder, join(folder, "saved_model.pb"), join(folder, "nowhere")]) {
      expect(await onnxPlatform.detect(path)).toBeUndefined();
    }
    await expect(onnxPlatform.read(folder, never)).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("a file that the model names", () => {
  test("counts to its size", async () => {
    await cp(EXTERNAL, folder, { recursive: true });
    const alone = await onnxPlatform.read(join(FIXTURES, "onnx/bool_where"), never);
    const { bytes } = await onnxPlatform.read(folder, never);
    expect(alone.bytes).toBeLessThan(1000);
    expect(bytes).toBeGreaterThan(72);
  });

  test("must be there", async () => {
    await cp(join(EXTERNAL, "model.onnx"), join(folder, "model.onnx"));
    await expect(onnxPlatform.read(folder, never)).rejects.toMatchObject({
      code: "invalid-argument",
      message: 'the model names the file "weights.bin": there is no such file',
    });
  });

  test("must be long enough", async () => {
    await cp(EXTERNAL, folder, { recursive: true });
    await truncate(join(folder, "weights.bin"), 5);
    await expect(onnxPlatform.read(folder, never)).rejects.toMatchObject({
      code: "data-loss",
      message: expect.stringMatching(/^model\.onnx needs \d+ bytes of "weights\.bin", which has 5$/),
    });
  });

  test("may not be a link that leads out", async () => {
    await cp(join(EXTERNAL, "model.onnx"), join(folder, "model.onnx"));
    await symlink(join(EXTERNAL, "weights.bin"), join(folder, "weights.bin"));
    await expect(onnxPlatform.read(folder, never)).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining('"weights.bin"'),
    });
  });

  test("may not be outside, not even in a branch of an If", async () => {
    await cp(join(FIXTURES, "onnx_runtime/external_in_branch.onnx"), join(folder, "model.onnx"));
    await writeFile(join(folder, "weights.bin"), Buffer.alloc(8));
    await expect(onnxPlatform.read(folder, never)).rejects.toMatchObject({
      code: "invalid-argument",
      message: 'the model names the file "../outside.bin": the name holds ".."',
    });
  });
});

describe("the registry", () => {
  test("finds the platform and says why", async () => {
    await put("model.onnx");
    expect(await detectPlatform(folder)).toEqual({ platform: onnxPlatform, why: "holds model.onnx" });
    expect(await detectPlatform(folder, "onnx")).toEqual({ platform: onnxPlatform, why: "holds model.onnx" });
  });

  test("says what was looked for, without the path", async () => {
    const error = await detectPlatform(join(folder, "7")).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "not-found",
      message: expect.stringMatching(/^"7" holds no model .*onnx: an \.onnx file/),
    });
    expect((error as Error).message).not.toContain(folder);
  });

  test("knows no other name", async () => {
    await expect(detectPlatform(folder, "punchcards")).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining('there is no platform "punchcards" (known: python, onnx'),
    });
  });
});
