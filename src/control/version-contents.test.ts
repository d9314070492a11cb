import { beforeEach, describe, expect, test } from "vitest";
import { settle } from "../base/fake-clock.ts";
import { ServingError } from "../base/serving-error.ts";
import { FakeLoader } from "../core/fake-loader.ts";
import type { Loader } from "../core/loader.ts";
import type { ServableId } from "../core/servable-id.ts";
import type { SharedModel } from "../model/runtime.ts";
import { VersionContents } from "./version-contents.ts";

const ID: ServableId = { name: "m", version: 1n };
const NEVER = new AbortController().signal;

/** What the threads were told, what could not be replaced, and the loaders by path. */
let calls: string[];
let refused: string[];
let moved: bigint[];
let loaders: Map<string, FakeLoader<SharedModel>>;
let noRoom: ServingError | undefined;
/** Memory set aside for replacements, and what became of it. */
let rooms: string[];
let queued: boolean;
let refuseReplacement: ServingError | undefined;
let contents: VersionContents;

const modelAt = (path: string) => ({ runtime: "onnxruntime", path }) as unknown as SharedModel;
const pathOf = (model: SharedModel) => (model as unknown as { path: string }).path;

function create(inPlace = true): VersionContents {
  return new VersionContents({
    threads: {
      publish: async ({ version }, model) => void calls.push(`publish ${version} ${pathOf(model)}`),
      retire: async ({ version }) => void calls.push(`retire ${version}`),
      replace: async ({ version }, model) => {
        if (refuseReplacement !== undefined) throw refuseReplacement;
        calls.push(`replace ${version} ${pathOf(model)}`);
      },
    },
    makeLoader: (_id, path) => {
      const loader = new FakeLoader<SharedModel>(modelAt(path), { ramBytes: 10 });
      loaders.set(path, loader);
      return loader;
    },
    isQueued: () => queued,
    reserve: async (_id, ramBytes) => {
      if (noRoom !== undefined) throw noRoom;
      return { taken: () => void rooms.push(`taken ${ramBytes}`), dropped: () => void rooms.push(`dropped ${ramBytes}`) };
    },
    resize: (_id, ramBytes) => void rooms.push(`resized ${ramBytes}`),
    inPlace,
    onMoved: ({ version }) => moved.push(version),
    onRefused: ({ version }, { code, message }) => refused.push(`${version} ${code} ${message}`),
  });
}

/** Loads and publishes version 1 from a path, as the manager does. */
async function serve(path: string): Promise<Loader<SharedModel>> {
  const loader = contents.loader(ID, path);
  await loader.estimate();
  const loading = loader.load(NEVER);
  loaders.get(path)!.finishLoad();
  await contents.publish(ID, await loading);
  return loader;
}

beforeEach(() => {
  [calls, refused, moved, loaders, noRoom, refuseReplacement] = [[], [], [], new Map(), undefined, undefined];
  [rooms, queued] = [[], false];
  contents = create();
});

describe("a version that serves and is wanted from another path", () => {
  test("takes that content, and only then the old one is unloaded", async () => {
    await serve("/a");
    contents.loader(ID, "/b");
    await settle();
    expect([calls, loaders.get("/a")!.unloading]).toEqual([["publish 1 /a"], false]);
    loaders.get("/b")!.finishLoad();
    await settle();
    expect(calls).toEqual(["publish 1 /a", "replace 1 /b"]);
    expect([loaders.get("/a")!.unloading, rooms]).toEqual([true, []]);
    loaders.get("/a")!.finishUnload();
    await settle();
    expect(rooms).toEqual(["taken 10"]);
  });

  test("is loaded from there only once, however often it is wanted", async () => {
    await serve("/a");
    contents.loader(ID, "/b");
    await settle();
    const first = loaders.get("/b")!;
    first.finishLoad();
    await settle();
    loaders.get("/a")!.finishUnload();
    await settle();
    contents.loader(ID, "/b");
    await settle();
    expect(calls).toEqual(["publish 1 /a", "replace 1 /b"]);
    expect(first.calls).toEqual(["estimate", "load"]);
  });

  test("goes on with the old content when the new one cannot be loaded, and is not tried again before it is forgiven", async () => {
    await serve("/a");
    contents.loader(ID, "/b");
    await settle();
    loaders.get("/b")!.failLoad(new ServingError("data-loss", "model.onnx is cut off"));
    await settle();
    expect(refused).toEqual(["1 data-loss model.onnx is cut off"]);
    expect([calls, loaders.get("/a")!.unloading]).toEqual([["publish 1 /a"], false]);
    contents.loader(ID, "/b");
    await settle();
    expect(loaders.get("/b")!.loading).toBe(false);
    contents.forgive(ID);
    contents.loader(ID, "/b");
    await settle();
    loaders.get("/b")!.finishLoad();
    await settle();
    expect(calls).toEqual(["publish 1 /a", "replace 1 /b"]);
  });

  test("goes on with the old content when there is no memory for both", async () => {
    noRoom = new ServingError("resource-exhausted", "Insufficient resources to load servable {name: m version: 1}");
    await serve("/a");
    contents.loader(ID, "/b");
    await settle();
    expect(refused).toEqual([`1 resource-exhausted ${noRoom.message}`]);
    expect(loaders.get("/b")!.calls).toEqual(["estimate"]);
  });

  test("goes on with the old content when a thread refuses the new one, which is unloaded", async () => {
    refuseReplacement = new ServingError("internal", "no room in a thread");
    await serve("/a");
    contents.loader(ID, "/b");
    await settle();
    loaders.get("/b")!.finishLoad();
    await settle();
    loaders.get("/b")!.finishUnload();
    await settle();
    expect([refused, rooms]).toEqual([["1 internal no room in a thread"], ["dropped 10"]]);
    expect(loaders.get("/a")!.unloading).toBe(false);
  });

  test("takes the last path that was asked for", async () => {
    await serve("/a");
    contents.loader(ID, "/b");
    await settle();
    contents.loader(ID, "/c");
    loaders.get("/b")!.finishLoad();
    await settle();
    loaders.get("/a")!.finishUnload();
    await settle();
    loaders.get("/c")!.finishLoad();
    await settle();
    expect(calls).toEqual(["publish 1 /a", "replace 1 /b", "replace 1 /c"]);
  });

  test("is unloaded whole when it leaves while the new content is being loaded", async () => {
    const loader = await serve("/a");
    contents.loader(ID, "/b");
    await settle();
    const retiring = contents.retire(ID);
    await settle();
    expect(calls).toEqual(["publish 1 /a"]);
    expect(loaders.get("/b")!.signal!.aborted).toBe(true);
    loaders.get("/b")!.finishLoad();
    await settle();
    loaders.get("/b")!.finishUnload();
    await retiring;
    expect(calls).toEqual(["publish 1 /a", "retire 1"]);
    const unloading = loader.unload();
    loaders.get("/a")!.finishUnload();
    await unloading;
    expect([refused, rooms]).toEqual([[], ["dropped 10"]]);
  });

  test("unloads the content it has by then when it leaves later", async () => {
    const loader = await serve("/a");
    contents.loader(ID, "/b");
    await settle();
    loaders.get("/b")!.finishLoad();
    await settle();
    loaders.get("/a")!.finishUnload();
    await settle();
    await contents.retire(ID);
    void loader.unload();
    await settle();
    expect(loaders.get("/b")!.unloading).toBe(true);
  });

  test("stays as it is where a version may not be in memory twice", async () => {
    contents = create(false);
    await serve("/a");
    contents.loader(ID, "/b");
    await settle();
    expect(calls).toEqual(["publish 1 /a"]);
    expect(loaders.has("/b")).toBe(false);
  });
});

describe("a version that does not serve yet", () => {
  test("is given the other content as soon as it does", async () => {
    const loader = contents.loader(ID, "/a");
    await loader.estimate();
    const loading = loader.load(NEVER);
    contents.loader(ID, "/b");
    loaders.get("/a")!.finishLoad();
    await contents.publish(ID, await loading);
    await settle();
    loaders.get("/b")!.finishLoad();
    await settle();
    expect(calls).toEqual(["publish 1 /a", "replace 1 /b"]);
  });

  test("is loaded from the other path at the next try", async () => {
    const loader = contents.loader(ID, "/a");
    await loader.estimate();
    const failing = loader.load(NEVER);
    loaders.get("/a")!.failLoad(new ServingError("unavailable", "the disk is busy"));
    await expect(failing).rejects.toMatchObject({ code: "unavailable" });
    contents.loader(ID, "/b");
    const loading = loader.load(NEVER);
    await settle();
    loaders.get("/b")!.finishLoad();
    expect([pathOf(await loading), rooms]).toEqual(["/b", ["resized 10"]]);
  });

  test("because it waits for its turn to load is loaded from where it is wanted by then", async () => {
    queued = true;
    const loader = contents.loader(ID, "/a");
    contents.loader(ID, "/b");
    expect(await loader.estimate()).toEqual({ ramBytes: 10 });
    const loading = loader.load(NEVER);
    loaders.get("/b")!.finishLoad();
    expect([pathOf(await loading), loaders.get("/b")!.calls, loaders.has("/a")]).toEqual(["/b", ["estimate", "load"], false]);
  });

  test("is loaded in its next life from the path of that life, whatever the one before was wanted from", async () => {
    queued = true;
    contents.loader(ID, "/a");
    contents.loader(ID, "/b");
    contents.ended({ id: ID, health: undefined });
    queued = false;
    const loader = contents.loader(ID, "/c");
    await loader.estimate();
    expect([...loaders.keys()]).toEqual(["/c"]);
  });

  test("and has failed may be had from another path, and from the same one not", async () => {
    const loader = contents.loader(ID, "/a");
    await loader.estimate();
    const failing = loader.load(NEVER);
    loaders.get("/a")!.failLoad(new ServingError("data-loss", "cut off"));
    await expect(failing).rejects.toMatchObject({ code: "data-loss" });
    contents.ended({ id: ID, health: new ServingError("data-loss", "cut off") });
    contents.loader(ID, "/a");
    expect(moved).toEqual([]);
    contents.loader(ID, "/b");
    expect(moved).toEqual([1n]);
  });

  test("and has failed because the threads refused it may be had from another path", async () => {
    const loader = await serve("/a");
    const unloading = loader.unload();
    loaders.get("/a")!.finishUnload();
    await unloading;
    contents.ended({ id: ID, health: new ServingError("internal", "no room in a thread") });
    contents.loader(ID, "/b");
    expect(moved).toEqual([1n]);
  });

  test("and was taken away while it loaded has not failed", async () => {
    const loader = contents.loader(ID, "/a");
    await loader.estimate();
    contents.ended({ id: ID, health: new ServingError("cancelled", "Loading of servable cancelled") });
    contents.loader(ID, "/b");
    expect(moved).toEqual([]);
  });
});
