import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { FakeClock } from "../base/fake-clock.ts";
import { ServingError } from "../base/serving-error.ts";
import type { Platform } from "../model/platform.ts";
import type { Program } from "../model/program.ts";
import type { EngineOptions, Runtime, SharedModel } from "../model/runtime.ts";
import type { TensorFlowOptions } from "../model/tensorflow-options.ts";
import { onnxPlatform } from "../platforms/onnx/onnx-platform.ts";
import type { RuntimeRegistry } from "../runtimes/registry.ts";
import { type LoadReport, PlatformLoader } from "./platform-loader.ts";
import type { LoadedVersion } from "./warm-up.ts";

const MODEL = new URL("../../test/fixtures/onnx/bool_where/model.onnx", import.meta.url).pathname;
const ID = { name: "m", version: 3n };
const folder = mkdtempSync(join(tmpdir(), "modelport-"));
const clock = new FakeClock();
const { signal } = new AbortController();
let calls: string[] = [];
let reports: LoadReport[] = [];

/** A runtime that takes 20 ms for a model and does what the test says. */
function runtimes(load: (program: Program, options?: EngineOptions) => Promise<SharedModel>): RuntimeRegistry {
  const runtime: Runtime = {
    name: "onnxruntime",
    load: async (program, _signal, options) => {
      calls.push("load");
      const model = await load(program, options);
      await clock.advance(20);
      return model;
    },
    attach: () => expect.fail("the control thread attaches to no model"),
    unload: async ({ handle }) => void calls.push(`unload ${String(handle)}`),
  };
  return new Map([["onnxruntime", runtime]]);
}

const loaded = async (): Promise<SharedModel> => ({ runtime: "onnxruntime", signatures: new Map(), handle: "h" });

function loader(path: string, registry = runtimes(loaded), platform?: string): PlatformLoader {
  return new PlatformLoader(ID, path, platform, { runtimes: registry, clock, report: (report) => reports.push(report) });
}

/** A loader of the good model that warms it up as told. */
function warmed(run: () => Promise<void>): PlatformLoader {
  const warmUp = {
    run: async (version: LoadedVersion) => {
      calls.push(`warm ${version.id.name} ${version.id.version} ${version.folder === join(folder, "good")}`);
      await run();
    },
  };
  return new PlatformLoader(ID, join(folder, "good"), undefined, {
    runtimes: runtimes(loaded),
    clock,
    report: (report) => reports.push(report),
    warmUp,
  });
}

beforeAll(() => {
  mkdirSync(join(folder, "good", "extra"), { recursive: true });
  cpSync(MODEL, join(folder, "good", "model.onnx"));
  writeFileSync(join(folder, "good", "extra", "labels.txt"), Buffer.alloc(1001));
  mkdirSync(join(folder, "empty"));
  mkdirSync(join(folder, "broken"));
  writeFileSync(join(folder, "broken", "model.onnx"), "not a model");
});
beforeEach(() => {
  calls = [];
  reports = [];
});
afterAll(() => rmSync(folder, { recursive: true }));

test("a model whose files become others while they are read is let go: it may be of two contents", async () => {
  const base = mkdtempSync(join(folder, "changed-"));
  cpSync(MODEL, join(base, "model.onnx"));
  const subject = loader(
    base,
    runtimes(() => {
      writeFileSync(join(base, "labels.txt"), "one more");
      return loaded();
    }),
  );
  await expect(subject.load(signal)).rejects.toMatchObject({
    code: "failed-precondition",
    message: "the files of version 3 of model m changed while they were being read, it is loaded again once they stay the same",
  });
  expect(calls).toEqual(["load", "unload h"]);
});

describe("a good model", () => {
  test("is given to its runtime, reported with platform, reason and time, and let go once", async () => {
    const programs: Program[] = [];
    const registry = runtimes((program) => {
      programs.push(program);
      return loaded();
    });
    const subject = loader(join(folder, "good"), registry);
    const model = await subject.load(signal);
    expect(programs).toMatchObject([{ runtime: "onnxruntime", file: join(folder, "good", "model.onnx") }]);
    expect(reports).toEqual([{ id: ID, milliseconds: 20, platform: "onnx", why: "holds model.onnx", model }]);
    await subject.unload();
    await subject.unload();
    expect(calls).toEqual(["load", "unload h"]);
  });

  test("is estimated at 1.2 times all of its files, rounded up", async () => {
    const bytes = 1001 + (await import("node:fs")).statSync(MODEL).size;
    expect(await loader(join(folder, "good")).estimate()).toEqual({ ramBytes: Math.ceil(1.2 * bytes) });
  });

  test("is reported with its estimate and the identity of its ML Metadata record, where it has them", async () => {
    const path = join(folder, "traced");
    mkdirSync(join(path, "assets.extra"), { recursive: true });
    cpSync(MODEL, join(path, "model.onnx"));
    writeFileSync(join(path, "assets.extra", "mlmd_uuid"), "9d1c\n");
    const subject = loader(path);
    const { ramBytes } = await subject.estimate();
    await subject.load(signal);
    expect(reports).toMatchObject([{ id: ID, ramBytes, mlmdUuid: "9d1c" }]);
  });
});

describe("options of TensorFlow", () => {
  test.each<[string, TensorFlowOptions | undefined, readonly string[] | undefined, unknown, unknown]>([
    ["that nobody says are given to nobody", undefined, undefined, undefined, undefined],
    ["of the server tell the platform which graph to read", undefined, ["serve"], { tags: ["serve"] }, undefined],
    [
      "of the model go before them, and to the runtime",
      { tags: ["gpu"], sessionTarget: "grpc://h:1" },
      ["serve"],
      { tags: ["gpu"] },
      { tensorflow: { tags: ["gpu"], sessionTarget: "grpc://h:1" } },
    ],
    [
      "of the model without tags leave these to the server",
      { customOpPaths: ["/ops"] },
      ["serve"],
      { tags: ["serve"] },
      { tensorflow: { customOpPaths: ["/ops"] } },
    ],
  ])("%s", async (_, tensorflow, savedModelTags, readWith, loadedWith) => {
    const read = vi.spyOn(onnxPlatform as Platform, "read");
    const given: unknown[] = [];
    const registry = runtimes(async (_program, options) => {
      given.push(options);
      return await loaded();
    });
    const subject = new PlatformLoader(ID, join(folder, "good"), undefined, {
      runtimes: registry,
      clock,
      report: () => undefined,
      tensorflow,
      ...(savedModelTags !== undefined && { savedModelTags }),
    });
    await subject.load(signal);
    expect(read.mock.calls.map(([, , options]) => options)).toEqual([readWith]);
    expect(given).toEqual([loadedWith]);
    read.mockRestore();
  });
});

describe("warm-up", () => {
  test("happens after the load and before the report, and its time counts", async () => {
    const subject = warmed(async () => {
      calls.push(`${reports.length} reports`);
      await clock.advance(5);
    });
    await subject.load(signal);
    expect(calls).toEqual(["load", "warm m 3 true", "0 reports"]);
    expect(reports).toMatchObject([{ id: ID, milliseconds: 25, model: { handle: "h" } }]);
  });

  test("that fails lets the model go, once, and fails the load", async () => {
    const failure = new ServingError("data-loss", "damaged");
    const subject = warmed(() => Promise.reject(failure));
    await expect(subject.load(signal)).rejects.toBe(failure);
    expect(calls).toEqual(["load", "warm m 3 true", "unload h"]);
    await subject.unload();
    expect(calls).toHaveLength(3);
    expect(reports).toMatchObject([{ platform: "onnx", error: failure }]);
  });
});

test("files that are gone are estimated at nothing", async () => {
  expect(await loader(join(folder, "none")).estimate()).toEqual({ ramBytes: 0 });
});

describe("what fails is reported with all that was known by then", () => {
  test("no platform", async () => {
    await expect(loader(join(folder, "empty")).load(signal)).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringContaining('"empty" holds no model that can be served (looked for python'),
    });
    expect(reports).toEqual([{ id: ID, milliseconds: 0, error: expect.objectContaining({ code: "not-found" }) }]);
  });

  test("a platform nobody knows", async () => {
    await expect(loader(join(folder, "good"), undefined, "abacus").load(signal)).rejects.toMatchObject({
      code: "invalid-argument",
    });
  });

  test("broken files", async () => {
    await expect(loader(join(folder, "broken")).load(signal)).rejects.toMatchObject({
      message: expect.stringContaining("model.onnx"),
    });
    expect(reports).toMatchObject([{ platform: "onnx", why: "holds model.onnx", error: { name: "ServingError" } }]);
    expect(calls).toEqual([]);
  });

  test("a runtime that this server has not", async () => {
    await expect(loader(join(folder, "good"), new Map()).load(signal)).rejects.toMatchObject({
      code: "unimplemented",
      message: "this server has no runtime onnxruntime",
    });
  });

  test("the runtime, and nothing is let go that was never had", async () => {
    const failure = new ServingError("invalid-argument", "model.onnx: unknown operator Frobnicate");
    const subject = loader(
      join(folder, "good"),
      runtimes(() => Promise.reject(failure)),
    );
    await expect(subject.load(signal)).rejects.toBe(failure);
    await subject.unload();
    expect(calls).toEqual(["load"]);
    expect(reports[0].error).toBe(failure);
  });

  test("a bug, which becomes an internal error without detail", async () => {
    const subject = loader(
      join(folder, "good"),
      runtimes(() => Promise.reject(new TypeError("secret"))),
    );
    await expect(subject.load(signal)).rejects.toMatchObject({ code: "internal", message: "internal error" });
  });
});
