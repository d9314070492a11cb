import { cpSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ServingError } from "../base/serving-error.ts";
import { LATEST_VERSION, type ModelConfig } from "../config/model-config.ts";
import {
  clock,
  core,
  crowd,
  driven,
  eventually,
  failNextLoad,
  loads,
  MODEL,
  makeCore,
  model,
  moveAgain,
  publishVersion,
  reached,
  reload,
  root,
  settled,
  threads,
  unloads,
  withoutTime,
} from "./test-server-core.ts";

describe("versions", () => {
  test("a new one takes over and only then the old one goes", async () => {
    publishVersion("m", 1);
    makeCore().start([model("m")]);
    await settled();
    publishVersion("m", 2);
    await reached("m", "1:END 2:AVAILABLE");
    expect(threads.calls).toEqual(["publish m 1", "publish m 2", "retire m 1"]);
    expect([loads, unloads]).toEqual([2, 1]);
  });

  test("a broken new one leaves the old one serving and the server ready", async () => {
    publishVersion("m", 1);
    makeCore().start([model("m")]);
    await settled();
    publishVersion("m", 2, "not a model");
    await reached("m", "1:AVAILABLE 2:END");
    expect([core.ready, threads.readiness]).toEqual([true, [false, true]]);
  });

  test("the last one that is taken away makes the server not ready", async () => {
    publishVersion("m", 1);
    makeCore().start([model("m")]);
    await settled();
    rmSync(join(root, "m", "1"), { recursive: true });
    await reached("m", "1:END");
    expect(threads.readiness).toEqual([false, true, false]);
  });

  test("one that the threads refuse ends with their reason and is unloaded", async () => {
    publishVersion("m", 1);
    threads.refuse("m", new ServingError("internal", "no room in a thread"));
    makeCore().start([model("m")]);
    await settled();
    expect(threads.statuses.get("m")).toMatchObject([{ state: "END", error: { message: "no room in a thread" } }]);
    expect([loads, unloads]).toEqual([1, 1]);
  });

  test("one that may load at the next try is tried again after the interval", async () => {
    publishVersion("m", 1);
    failNextLoad(new ServingError("unavailable", "the disk is busy"));
    makeCore().start([model("m")]);
    await reached("m", "1:LOADING");
    const failed = clock.now();
    await settled();
    expect([threads.states("m"), loads]).toEqual(["1:AVAILABLE", 2]);
    expect(clock.now()).toBeGreaterThanOrEqual(failed + 60_000);
  });

  test("one whose files are at fault is not tried again", async () => {
    publishVersion("m", 1);
    failNextLoad(new ServingError("data-loss", "model.onnx is cut off"));
    makeCore().start([model("m")]);
    await settled();
    expect([threads.states("m"), loads]).toEqual(["1:END", 1]);
  });

  test("one that does not fit is refused before it is read", async () => {
    publishVersion("m", 1);
    makeCore({ ramLimitBytes: 10 }).start([model("m")]);
    await settled();
    expect(threads.statuses.get("m")).toMatchObject([{ state: "END", error: { code: "resource-exhausted" } }]);
    expect(loads).toBe(0);
  });
});

describe("a version policy that a reload changes", () => {
  const policies: readonly [string, ModelConfig["versionPolicy"], string][] = [
    ["wider", { kind: "latest", count: 2 }, "2:AVAILABLE 3:AVAILABLE"],
    ["all", { kind: "all" }, "1:AVAILABLE 2:AVAILABLE 3:AVAILABLE"],
    ["other versions", { kind: "specific", versions: [1n, 2n] }, "1:AVAILABLE 2:AVAILABLE 3:END"],
    ["narrower", { kind: "specific", versions: [2n] }, "1:END 2:AVAILABLE 3:END"],
    ["the latest again", LATEST_VERSION, "1:END 2:END 3:AVAILABLE"],
  ];

  test("is followed, and at each moment of it a version is available", async () => {
    publishVersion("m", 3);
    makeCore().start([model("m")]);
    await reached("m", "3:AVAILABLE");
    for (const version of [1, 2]) publishVersion("m", version);
    for (const [, versionPolicy, states] of policies) {
      expect(await reload({ ...model("m"), versionPolicy })).toEqual({ code: "ok", message: "" });
      await reached("m", states);
    }
    const available = new Set<string>();
    for (const call of threads.calls) {
      const [kind, , version] = call.split(" ");
      if (kind === "publish") available.add(version!);
      else available.delete(version!);
      expect(available.size).toBeGreaterThan(0);
    }
  });

  test("takes what serves away when it asks for no version that is there, by its own words", async () => {
    publishVersion("m", 1);
    makeCore().start([model("m")]);
    await settled();
    await reload({ ...model("m"), versionPolicy: { kind: "specific", versions: [9n] } });
    await reached("m", "1:END");
  });
});

describe("a base path that a reload changes", () => {
  const at = (folder: string) => ({ ...model("m"), basePath: join(root, folder) });

  test("gives a version of the same number the content of the new path, and no moment without one", async () => {
    publishVersion("old", 1);
    publishVersion("new", 1);
    makeCore().start([at("old")]);
    await settled();
    expect(await reload(at("new"))).toEqual({ code: "ok", message: "" });
    await driven(eventually(() => threads.calls.length === 2 && unloads === 1));
    expect(threads.calls).toEqual(["publish m 1", "replace m 1"]);
    expect([threads.states("m"), loads]).toEqual(["1:AVAILABLE", 2]);
    expect(core.ready).toBe(true);
  });

  test("swaps the versions when the new path has others", async () => {
    publishVersion("old", 1);
    publishVersion("new", 5);
    makeCore().start([at("old")]);
    await settled();
    await reload(at("new"));
    await reached("m", "1:END 5:AVAILABLE");
    expect(threads.calls).toEqual(["publish m 1", "publish m 5", "retire m 1"]);
  });

  test("to a broken version leaves the old content serving, until the files are mended", async () => {
    publishVersion("old", 1);
    publishVersion("new", 1, "not a model");
    makeCore().start([at("old")]);
    await settled();
    await reload(at("new"));
    await clock.advance(5000);
    expect([threads.calls, threads.states("m"), unloads]).toEqual([["publish m 1"], "1:AVAILABLE", 0]);
    expect(core.rows()).toMatchObject([{ state: "AVAILABLE", load: { platform: "onnx" } }]);
    cpSync(MODEL, join(root, "new", "1", "model.onnx"));
    await driven(eventually(() => threads.calls.length === 2));
    expect(threads.calls).toEqual(["publish m 1", "replace m 1"]);
  });

  test("mends a version that failed", async () => {
    publishVersion("old", 1, "not a model");
    publishVersion("new", 1);
    makeCore().start([at("old")]);
    await reached("m", "1:END");
    await reload(at("new"));
    await reached("m", "1:AVAILABLE");
  });

  test("is followed by a version that waits for its turn to load", async () => {
    for (const folder of ["old", "new"]) publishVersion(folder, 1);
    publishVersion("first", 1);
    const goOn = threads.hold("first");
    makeCore({ initialLoadThreads: 1 }).start([model("first")]);
    await reached("first", "1:LOADING");
    await driven(core.configure([model("first"), at("old")]));
    await reached("m", "1:START");
    rmSync(join(root, "old"), { recursive: true });
    await driven(core.configure([model("first"), at("new")]));
    goOn();
    await reached("m", "1:AVAILABLE");
  });

  test("counts the memory of the new content from then on, and of both until the old one is gone", async () => {
    publishVersion("old", 1);
    publishVersion("new", 1);
    writeFileSync(join(root, "new", "1", "more"), Buffer.alloc(10_000));
    makeCore({ ramLimitBytes: 2.4 * statSync(MODEL).size + 12_100, maxLoadRetries: 0 }).start([at("old")]);
    await settled();
    await reload(at("new"));
    await driven(eventually(() => threads.calls.length === 2 && unloads === 1));
    publishVersion("other", 1);
    writeFileSync(join(root, "other", "1", "more"), Buffer.alloc(9_000));
    expect((await reload(at("new"), model("other"))).message).toContain("Insufficient resources");
  });

  test("lets the old versions go first when there is no room for two", async () => {
    publishVersion("old", 1);
    publishVersion("new", 1);
    makeCore({ aspiredVersionPolicy: "resource_preserving" }).start([at("old")]);
    await settled();
    await reload(at("new"));
    await driven(eventually(() => threads.calls.length === 3));
    expect(threads.calls).toEqual(["publish m 1", "retire m 1", "publish m 1"]);
    expect([threads.states("m"), loads, unloads]).toEqual(["1:AVAILABLE", 2, 1]);
  });

  test("lets them go first when hundreds of models go with it", async () => {
    publishVersion("old", 1);
    publishVersion("new", 1);
    makeCore({ aspiredVersionPolicy: "resource_preserving" }).start([...crowd(), at("old")]);
    await reached("m", "1:AVAILABLE");
    moveAgain("new", 1);
    const reloading = core.reload([at("new")]);
    await withoutTime();
    await driven(reloading);
    await driven(eventually(() => threads.calls.length === 3));
    expect(threads.calls).toEqual(["publish m 1", "retire m 1", "publish m 1"]);
  });
});

describe("without room for two versions", () => {
  /** The estimate of one model. */
  const one = () => Math.ceil(1.2 * statSync(MODEL).size);

  test("the old one stays when availability is preserved, and the new one says why it is not there", async () => {
    publishVersion("m", 1);
    makeCore({ ramLimitBytes: one() * 1.5, maxLoadRetries: 0 }).start([model("m")]);
    await settled();
    publishVersion("m", 2);
    await reached("m", "1:AVAILABLE 2:END");
    expect(threads.statuses.get("m")![1]).toMatchObject({
      error: { code: "resource-exhausted", message: "Insufficient resources to load servable {name: m version: 2}" },
    });
    expect([loads, unloads]).toEqual([1, 0]);
  });

  test("the new one takes over when resources are preserved", async () => {
    publishVersion("m", 1);
    makeCore({ ramLimitBytes: one() * 1.5, aspiredVersionPolicy: "resource_preserving" }).start([model("m")]);
    await settled();
    publishVersion("m", 2);
    await reached("m", "1:END 2:AVAILABLE");
    expect(threads.calls).toEqual(["publish m 1", "retire m 1", "publish m 2"]);
  });

  test("a version keeps its content although its base path has changed", async () => {
    publishVersion("old", 1);
    publishVersion("new", 1);
    makeCore({ ramLimitBytes: one() * 1.5 }).start([{ ...model("m"), basePath: join(root, "old") }]);
    await settled();
    await reload({ ...model("m"), basePath: join(root, "new") });
    await clock.advance(5000);
    expect([threads.calls, loads]).toEqual([["publish m 1"], 1]);
  });
});

describe("where versions must always be present", () => {
  const always = { versionsAlwaysPresent: true };

  test("a model without one is not found at the start", async () => {
    mkdirSync(join(root, "empty"));
    makeCore(always);
    for (const name of ["empty", "missing"]) {
      await expect(core.checkPresence([model(name)])).rejects.toMatchObject({
        code: "not-found",
        message: expect.stringMatching(new RegExp(`^Unable to find a numerical version path for servable ${name} `)),
      });
    }
  });

  test("a reload that names a model without one is refused and changes nothing", async () => {
    publishVersion("m", 1);
    makeCore(always).start([model("m")]);
    await settled();
    await expect(reload(model("m"), model("missing"))).rejects.toMatchObject({ code: "not-found" });
    await expect(reload({ ...model("m"), versionPolicy: { kind: "specific", versions: [9n] } })).rejects.toMatchObject({
      code: "not-found",
    });
    expect(core.models).toEqual([model("m")]);
    expect(threads.states("m")).toBe("1:AVAILABLE");
  });

  test("a model that has lost its last one keeps it, and holds up no reload of another", async () => {
    for (const name of ["m", "n"]) publishVersion(name, 1);
    makeCore(always).start([model("m")]);
    await settled();
    rmSync(join(root, "m", "1"), { recursive: true });
    expect(await reload(model("m"), model("n"))).toEqual({ code: "ok", message: "" });
    await clock.advance(5000);
    expect([threads.states("m"), threads.states("n")]).toEqual(["1:AVAILABLE", "1:AVAILABLE"]);
  });

  test("a bare model counts as one", async () => {
    cpSync(MODEL, join(root, "bare.onnx"));
    makeCore(always);
    await core.checkPresence([{ ...model("m"), basePath: join(root, "bare.onnx") }]);
  });
});
