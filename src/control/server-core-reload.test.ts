import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { settle } from "../base/fake-clock.ts";
import { ServingError } from "../base/serving-error.ts";
import type { ModelConfig } from "../config/model-config.ts";
import { formatServableId } from "../core/servable-id.ts";
import { modelsOf, rebased, withModel, withoutModel } from "./model-layers.ts";
import {
  core,
  crowd,
  driven,
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

describe("a reload", () => {
  test("adds what is new, takes away what is not listed, and leaves the rest alone", async () => {
    for (const name of ["old", "kept", "fresh"]) publishVersion(name, 1);
    makeCore().start([model("old"), model("kept")]);
    await settled();
    await reached("kept", "1:AVAILABLE");
    expect(await reload(model("kept"), model("fresh"))).toEqual({ code: "ok", message: "" });
    expect(threads.states("fresh")).toBe("1:AVAILABLE");
    await reached("old", "1:END");
    expect(threads.calls.filter((call) => call.includes("kept"))).toEqual(["publish kept 1"]);
    expect(core.models.map(({ name }) => name)).toEqual(["kept", "fresh"]);
  });

  test("says which models did not come up and why", async () => {
    publishVersion("good", 1);
    publishVersion("bad", 4, "not a model");
    makeCore().start([]);
    const { code, message } = await reload(model("good"), model("bad"));
    expect(code).toBe("unknown");
    expect(message).toMatch(
      /^1 model\(s\) did not become available: \{\{\{?name: bad version: 4\}? due to error: model\.onnx .*\}, \}$/,
    );
    expect(message).toContain(formatServableId({ name: "bad", version: 4n }));
    expect(threads.states("good")).toBe("1:AVAILABLE");
  });

  test("brings a model back that was taken away", async () => {
    publishVersion("m", 1);
    makeCore().start([model("m")]);
    await settled();
    for (let round = 0; round < 3; round++) {
      expect(await reload()).toEqual({ code: "ok", message: "" });
      expect(await reload(model("m"))).toEqual({ code: "ok", message: "" });
      expect(threads.states("m")).toBe("1:AVAILABLE");
    }
    expect([loads, unloads]).toEqual([4, 3]);
  });

  test("waits for a model that an earlier one added and that is not up yet", async () => {
    for (const name of ["slow", "quick"]) publishVersion(name, 1);
    makeCore().start([]);
    const goOn = threads.hold("slow");
    const outcomes: string[] = [];
    const first = core.reload([model("slow")]).then(({ code }) => outcomes.push(`first ${code}`));
    const second = core.reload([model("slow"), model("quick")]).then(({ code }) => outcomes.push(`second ${code}`));
    await reached("quick", "1:AVAILABLE");
    await settle();
    expect(outcomes).toEqual([]);
    goOn();
    await driven(Promise.all([first, second]));
    expect(outcomes).toEqual(["first ok", "second ok"]);
  });

  test("is not held up by a model that never comes up: who waits for that is told when it is taken away", async () => {
    publishVersion("good", 1);
    makeCore().start([]);
    const hopeless = core.reload([model("missing")]);
    const refused = expect(hopeless).rejects.toMatchObject({
      code: "aborted",
      message: expect.stringContaining("model missing"),
    });
    expect(await reload(model("good"))).toEqual({ code: "ok", message: "" });
    await refused;
  });

  test("that waits is ended by the end of the server", async () => {
    makeCore().start([]);
    const hopeless = core.reload([model("missing")]);
    await core.configure([model("missing")]);
    const refused = expect(hopeless).rejects.toMatchObject({ code: "unavailable" });
    core.giveUpReloads();
    await refused;
  });

  test("that waits for its turn is ended by the end of the server too, and changes nothing", async () => {
    publishVersion("late", 1);
    makeCore().start([]);
    const outcomes = [core.reload([model("missing")]), core.reload([model("late")]), core.configure([model("late")])];
    const refused = Promise.all(outcomes.map((each) => expect(each).rejects.toMatchObject({ code: "unavailable" })));
    core.giveUpReloads();
    await driven(refused);
    expect(core.models.map(({ name }) => name)).not.toContain("late");
    await expect(core.reload([model("late")])).rejects.toMatchObject({ code: "unavailable" });
  });

  test("that brings a model back which the one before took away is not confused by hundreds that went with it", async () => {
    publishVersion("m", 1);
    makeCore().start([...crowd(), model("m")]);
    await reached("m", "1:AVAILABLE");
    moveAgain("m", 1);
    const reloads = Promise.all([core.reload([]), core.reload([model("m")])]);
    await withoutTime();
    await driven(reloads);
    expect(threads.calls).toEqual(["publish m 1", "retire m 1", "publish m 1"]);
  });

  test("is done one after the other, so that the last list asked for is the one that counts", async () => {
    for (const name of ["a", "b", "c"]) publishVersion(name, 1);
    makeCore().start([]);
    await driven(Promise.all([core.configure([model("a")]), core.configure([model("b")]), core.configure([model("c")])]));
    expect(core.models.map(({ name }) => name)).toEqual(["c"]);
    expect(threads.labels.map((labels) => [...labels.keys()])).toEqual([[], ["a"], ["b"], ["c"]]);
  });
});

describe("request logs", () => {
  const logging = (name: string, prefix: string): ModelConfig => ({
    ...model(name),
    logging: { samplingRate: 1, filenamePrefix: join(root, prefix), format: "tfrecord" },
  });

  test("are told to the threads with every list, and have their folder by then", async () => {
    publishVersion("m", 1);
    makeCore().start([logging("m", "logs/first/m")]);
    expect([threads.loggings.at(-1)?.get("m")?.samplingRate, existsSync(join(root, "logs", "first"))]).toEqual([1, true]);
    await reload(model("m"));
    expect(threads.loggings.at(-1)?.size).toBe(0);
  });

  test("that have no place to be make a reload change nothing", async () => {
    publishVersion("m", 1);
    makeCore().start([model("m")]);
    writeFileSync(join(root, "file"), "");
    const told = threads.loggings.length;
    await expect(reload(logging("m", "file/m"), model("n"))).rejects.toMatchObject({ code: "failed-precondition" });
    expect([threads.loggings.length, core.models.map(({ name }) => name)]).toEqual([told, ["m"]]);
  });
});

describe("labels", () => {
  const labels = () => Object.fromEntries(threads.labels.at(-1)?.get("m") ?? []);

  test("at the start are refused, because nothing is available yet", () => {
    makeCore();
    expect(() => core.start([model("m", { stable: 1n })])).toThrow(
      expect.objectContaining({ code: "failed-precondition", message: expect.stringContaining("version 1 of model m") }),
    );
    expect(threads.labels).toEqual([]);
  });

  test("at the start are taken when that is allowed", async () => {
    publishVersion("m", 1);
    makeCore({ allowLabelsForUnavailable: true }).start([model("m", { stable: 1n })]);
    expect(labels()).toEqual({ stable: 1n });
  });

  test("are given to an available version by a reload", async () => {
    publishVersion("m", 1);
    makeCore().start([model("m")]);
    await settled();
    await reload(model("m", { stable: 1n }));
    expect(labels()).toEqual({ stable: 1n });
    await reload(model("m"));
    expect(labels()).toEqual({});
  });

  test("that may not be given make a reload change nothing", async () => {
    for (const name of ["m", "n"]) publishVersion(name, 1);
    makeCore({ allowLabelsForUnavailable: true }).start([model("m", { stable: 1n })]);
    await settled();
    const told = threads.labels.length;
    await expect(reload(model("m", { stable: 2n }), model("n"))).rejects.toMatchObject({ code: "failed-precondition" });
    expect([threads.labels.length, core.models.map(({ name }) => name)]).toEqual([told, ["m"]]);
    expect(threads.states("n")).toBe("");
    // The refusal holds nobody up.
    expect(await reload(model("n"))).toEqual({ code: "ok", message: "" });
  });
});

describe("labels of versions that are not available", () => {
  test("may be anything, moved ones too, when that is forced", async () => {
    publishVersion("m", 1);
    makeCore({ forceLabelsForUnavailable: true }).start([model("m", { stable: 1n })]);
    await settled();
    await reload(model("m", { stable: 7n }));
    expect(threads.labels.at(-1)?.get("m")).toEqual(new Map([["stable", 7n]]));
  });

  test("are replaced as a whole by each reload that is not refused", async () => {
    publishVersion("m", 1);
    makeCore({ allowLabelsForUnavailable: true }).start([model("m", { a: 1n, b: 2n })]);
    await settled();
    await reload(model("m", { c: 3n }));
    expect(threads.labels.at(-1)?.get("m")).toEqual(new Map([["c", 3n]]));
    // Label a is new again: it may name a version that is not there.
    await reload(model("m", { a: 9n }));
    expect(threads.labels.at(-1)?.get("m")).toEqual(new Map([["a", 9n]]));
  });
});

test("the threads are told how traffic is split together with the labels", async () => {
  publishVersion("m", 1);
  const trafficSplit = new Map([["stable", 1]]);
  makeCore({ allowLabelsForUnavailable: true }).start([{ ...model("m", { stable: 1n }), trafficSplit }, model("n")]);
  expect(threads.splits.at(-1)).toEqual(new Map([["m", trafficSplit]]));
  await reload(model("m", { stable: 1n }));
  expect(threads.splits.at(-1)).toEqual(new Map());
});

describe("a change of single models", () => {
  const names = () => core.models.map(({ name }) => name);

  test("takes its turn among reloads, and sees what is in force by then", async () => {
    for (const name of ["a", "b", "c"]) publishVersion(name, 1);
    makeCore().start([]);
    const seen: string[][] = [];
    const add = (name: string) =>
      core.change((layers) => {
        seen.push(modelsOf(layers).map((each) => each.name));
        return withModel(layers, model(name));
      });
    await driven(Promise.all([core.configure([model("a")]), add("b"), add("c")]));
    expect([seen, names()]).toEqual([
      [["a"], ["a", "b"]],
      ["a", "b", "c"],
    ]);
  });

  test("lies over what is found later, and under what is configured later", async () => {
    for (const name of ["a", "b", "c"]) publishVersion(name, 1);
    makeCore().start([model("a")]);
    await driven(core.change((layers) => withoutModel(withModel(layers, model("b")), "a")));
    await driven(core.change((layers) => rebased(layers, [model("a"), model("c")])));
    expect(names()).toEqual(["c", "b"]);
    await driven(core.configure([model("a")]));
    expect(names()).toEqual(["a"]);
  });

  test("that is given up or refused changes nothing and holds up nobody", async () => {
    publishVersion("a", 1);
    makeCore().start([model("a")]);
    const told = threads.labels.length;
    const refusal = new ServingError("not-found", "there is no such model");
    await expect(
      core.change(() => {
        throw refusal;
      }),
    ).rejects.toBe(refusal);
    await core.change((layers) => layers);
    await expect(core.change((layers) => withModel(layers, model("a", { stable: 9n })))).rejects.toMatchObject({
      code: "failed-precondition",
    });
    expect([threads.labels.length, names()]).toEqual([told, ["a"]]);
    await driven(core.change((layers) => withModel(layers, model("b"))));
    expect(names()).toEqual(["a", "b"]);
  });
});

describe("the arrival of a model", () => {
  test("is its available version, or the error of its last one", async () => {
    publishVersion("good", 1);
    publishVersion("bad", 1, "not a model");
    makeCore().start([]);
    await driven(core.change((layers) => withModel(withModel(layers, model("good")), model("bad"))));
    expect(await driven(core.arrival("good"))).toMatchObject({ managerState: "AVAILABLE", health: undefined });
    expect(await driven(core.arrival("bad"))).toMatchObject({ managerState: "END", health: { code: "data-loss" } });
    expect(await driven(core.arrival("bad"))).toMatchObject({ managerState: "END", health: { code: "data-loss" } });
  });

  test("is waited for while there is no version, and given up when the model is taken away", async () => {
    makeCore().start([model("late")]);
    const waiting = core.arrival("late");
    publishVersion("late", 3);
    expect((await driven(waiting)).id.version).toBe(3n);
    await driven(core.configure([model("never")]));
    const refused = expect(core.arrival("never")).rejects.toMatchObject({ code: "aborted" });
    await driven(core.configure([]));
    await refused;
  });

  test("is not the error from another base path, although the files of the new one are still to settle", async () => {
    publishVersion("old", 1, "not a model");
    makeCore().start([{ ...model("m"), basePath: join(root, "old") }]);
    await reached("m", "1:END");
    mkdirSync(join(root, "new", "1"), { recursive: true });
    cpSync(MODEL, join(root, "new", "1", "model.onnx"));
    await core.change((layers) => withModel(layers, { ...model("m"), basePath: join(root, "new") }));
    expect(await driven(core.arrival("m"))).toMatchObject({ managerState: "AVAILABLE" });
  });

  test("is not waited for once the model was taken away", async () => {
    makeCore().start([]);
    await expect(core.arrival("gone")).rejects.toMatchObject({ code: "aborted" });
  });
});

describe("other options of TensorFlow", () => {
  const tuned = (): ModelConfig => ({ ...model("m"), tensorflow: { customOpPaths: ["/ops"] } });
  const become = (config: ModelConfig) => driven(core.change((layers) => withModel(layers, config)));

  test("let a version that failed be loaded anew, and who waits for the model waits for that", async () => {
    publishVersion("m", 1);
    failNextLoad(new ServingError("invalid-argument", "Op type not registered 'Mine'"));
    makeCore().start([model("m")]);
    await reached("m", "1:END");
    await become({ ...model("m"), versionPolicy: { kind: "all" } });
    expect([await driven(core.arrival("m")), loads]).toMatchObject([{ managerState: "END" }, 1]);
    await become(tuned());
    expect([await driven(core.arrival("m")), loads]).toMatchObject([{ managerState: "AVAILABLE" }, 2]);
  });

  test("leave a version that serves as it is", async () => {
    publishVersion("m", 1);
    makeCore().start([model("m")]);
    await reached("m", "1:AVAILABLE");
    await become(tuned());
    publishVersion("m", 2);
    await reached("m", "1:END 2:AVAILABLE");
    expect(threads.calls).toEqual(["publish m 1", "publish m 2", "retire m 1"]);
  });
});

test("fifty reloads at once are done one after the other, and the last one counts", async () => {
  for (const name of ["a", "b"]) publishVersion(name, 1);
  makeCore().start([model("a"), model("b")]);
  await settled();
  const lists = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? [model("a")] : [model("a"), model("b")]));
  const outcomes = await driven(Promise.allSettled(lists.map((list) => core.reload(list))));
  // A model that the next list takes away again before it was up is the only thing that may go wrong.
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "aborted" });
    else expect(outcome.value.code).toBe("ok");
  }
  expect(outcomes.at(-1)).toMatchObject({ status: "fulfilled", value: { code: "ok" } });
  expect(threads.labels.slice(-50).map((labels) => labels.size)).toEqual(lists.map((list) => list.length));
  await reached("b", "1:AVAILABLE");
  expect(threads.calls.filter((call) => call.includes(" a "))).toEqual(["publish a 1"]);
});
