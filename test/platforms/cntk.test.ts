import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { ServingError } from "../../src/base/serving-error.ts";
import { cntkPlatform } from "../../src/platforms/cntk/cntk-platform.ts";
import { fixture } from "../support/folders.ts";
import { type FrameworkCase, loadProgram, worstDifference } from "../support/run-program.ts";

const TOLERANCE = 1e-5;
const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), "modelport-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Models of others that are no part of the project. */
const SHARED = new URL("../../../shared/fixtures/cntk/", import.meta.url).pathname;
const hasAnswers = (path: string) => existsSync(join(path, "golden.json"));
const MODELS = readdirSync(fixture("cntk")).filter((name) => hasAnswers(fixture("cntk", name)) && name !== "v1_mlp");
const OTHERS = (existsSync(SHARED) ? readdirSync(SHARED) : []).filter(
  (name) => name.startsWith("real_") && hasAnswers(join(SHARED, name)),
);
const FUNCTIONS = readdirSync(fixture("cntk", "functions"));

function casesOf(path: string): readonly FrameworkCase[] {
  return JSON.parse(readFileSync(join(path, "golden.json"), "utf8")) as FrameworkCase[];
}

describe("models answer as CNTK did", () => {
  test.each([...MODELS.map((name) => fixture("cntk", name)), ...OTHERS.map((name) => join(SHARED, name))])("%s", async (path) => {
    expect(await worstDifference(await cntkPlatform.read(path, signal), casesOf(path))).toBeLessThan(TOLERANCE);
  });
  test.skipIf(OTHERS.length > 0)("(models of others are skipped: the folder shared is not there)", () => undefined);
});

describe("functions give what they do in CNTK", () => {
  test.each(FUNCTIONS)("%s", async (name) => {
    const path = fixture("cntk", "functions", name);
    expect(await worstDifference(await cntkPlatform.read(path, signal), casesOf(path))).toBeLessThan(TOLERANCE);
  });
});

test("the batch is free, and a sequence has one axis more, which is free too", async () => {
  const signatureOf = async (name: string) => {
    const loaded = await loadProgram(await cntkPlatform.read(fixture("cntk", name), signal));
    await loaded.close();
    return loaded.signature;
  };
  const { inputs } = await signatureOf("mlp");
  expect(inputs).toMatchObject([{ alias: "features", dtype: "float32", shape: [-1, 4], dimensionNames: ["batch", ""] }]);
  const [sequence] = (await signatureOf("lstm_last")).inputs;
  expect(sequence!.shape!.slice(0, 2)).toEqual([-1, -1]);
  expect(sequence!.dimensionNames![0]).toBe("batch");
});

async function refusalOf(name: string, bytes: Uint8Array): Promise<ServingError | undefined> {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  try {
    await cntkPlatform.read(path, signal);
    return undefined;
  } catch (reason) {
    return reason as ServingError;
  }
}

test("what CNTK 1 wrote is recognised, and refused with what to do", async () => {
  const path = fixture("cntk", "v1_mlp");
  expect(await cntkPlatform.detect(path)).toBeDefined();
  await expect(cntkPlatform.read(path, signal)).rejects.toMatchObject({
    code: "unimplemented",
    message: expect.stringMatching(/^v1_mlp\.dnn: CNTK 1 \(BrainScript\) wrote it.*save it again/),
  });
});

describe("a damaged file is refused, and named", () => {
  test.each(["lstm_last", "convnet"])("%s, cut off and changed at 200 places", async (name) => {
    const bytes = readFileSync(fixture("cntk", name, `${name}.model`));
    for (let i = 0; i < 200; i++) {
      const at = Math.floor((i * bytes.length) / 200);
      const cut = await refusalOf("cut.model", bytes.subarray(0, at));
      expect(cut, `cut at ${at}`).toBeDefined();
      // What does not begin like a model is not looked at at all.
      if (cut!.code !== "not-found") expect(cut!.message, `cut at ${at}`).toContain("cut.model");
      const changed = Buffer.from(bytes);
      changed[at]! ^= 0x55;
      const refusal = await refusalOf("changed.model", changed);
      if (refusal === undefined) continue;
      expect(["invalid-argument", "data-loss", "unimplemented", "not-found"], refusal.message).toContain(refusal.code);
      if (refusal.code !== "not-found") expect(refusal.message, `changed at ${at}`).toContain("changed.model");
    }
  });
});
