import { describe, expect, test } from "vitest";
import { settle } from "../base/fake-clock.ts";
import { ServingMap } from "./serving-map.ts";

const id = (version: bigint, name = "iris") => ({ name, version });

async function serving(...versions: bigint[]) {
  const map = new ServingMap<string>();
  for (const version of versions) await map.publish(id(version), `servable ${version}`);
  return map;
}

function watch(promise: Promise<void>) {
  const watched = { done: false };
  promise.then(
    () => {
      watched.done = true;
    },
    () => undefined,
  );
  return watched;
}

describe("acquiring", () => {
  test("gives the version asked for, or the highest, whatever the order of publishing", async () => {
    const map = await serving(2n, 10n, 9n);
    expect(map.acquire("iris")).toMatchObject({ id: id(10n), servable: "servable 10" });
    expect(map.acquire("iris", 2n)).toMatchObject({ id: id(2n), servable: "servable 2" });
    expect(map.versions("iris")).toEqual([10n, 9n, 2n]);
    expect(map.names()).toEqual(["iris"]);
  });

  test("gives nothing for an unknown name or version", async () => {
    const map = await serving(1n);
    expect(map.acquire("rose")).toBeUndefined();
    expect(map.acquire("iris", 2n)).toBeUndefined();
    for (const name of ["__proto__", "constructor", ""]) expect(map.acquire(name)).toBeUndefined();
    expect(map.versions("rose")).toEqual([]);
  });

  test("falls back to the next highest when the highest is retired", async () => {
    const map = await serving(1n, 2n);
    await map.retire(id(2n));
    const handle = map.acquire("iris")!;
    expect(handle.id.version).toBe(1n);
    handle.release();
    await map.retire(id(1n));
    expect(map.acquire("iris")).toBeUndefined();
    expect(map.names()).toEqual([]);
  });
});

describe("retiring", () => {
  test("takes the version out of reach at once and waits for its last handle", async () => {
    const map = await serving(1n);
    const [first, second] = [map.acquire("iris")!, map.acquire("iris")!];
    const retired = watch(map.retire(id(1n)));
    expect(map.acquire("iris")).toBeUndefined();
    first.release();
    await settle();
    expect(retired.done).toBe(false);
    expect(second.servable).toBe("servable 1");
    second.release();
    await settle();
    expect(retired.done).toBe(true);
  });

  test("counts a handle once, however often it is released", async () => {
    const map = await serving(1n);
    const [first, second] = [map.acquire("iris")!, map.acquire("iris")!];
    first.release();
    first.release();
    const retired = watch(map.retire(id(1n)));
    first.release();
    await settle();
    expect(retired.done).toBe(false);
    second.release();
    await settle();
    expect(retired.done).toBe(true);
  });

  test("waits for no request on another version or name", async () => {
    const map = await serving(1n, 2n);
    await map.publish(id(1n, "rose"), "rose");
    map.acquire("iris", 1n);
    map.acquire("rose");
    const retired = watch(map.retire(id(2n)));
    await settle();
    expect(retired.done).toBe(true);
    await map.publish(id(3n), "servable 3");
    expect(map.acquire("iris")?.id.version).toBe(3n);
  });

  test("a handle of an earlier life does not count for the same version published again", async () => {
    const map = await serving(1n);
    const old = map.acquire("iris")!;
    const first = watch(map.retire(id(1n)));
    await map.publish(id(1n), "again");
    const fresh = map.acquire("iris")!;
    const second = watch(map.retire(id(1n)));
    fresh.release();
    await settle();
    expect([first.done, second.done]).toEqual([false, true]);
    old.release();
    await settle();
    expect(first.done).toBe(true);
  });

  test("of a version not served ends at once", async () => {
    const map = await serving(1n);
    await map.retire(id(7n));
    await map.retire(id(1n, "rose"));
    expect(map.versions("iris")).toEqual([1n]);
  });
});

test("refuses to publish a version twice", async () => {
  const map = await serving(1n);
  await expect(map.publish(id(1n), "again")).rejects.toMatchObject({ code: "already-exists" });
  expect(map.acquire("iris")?.servable).toBe("servable 1");
});

test("version 0 is a version like others, and the latest where it is the only one", async () => {
  const map = await serving(0n);
  expect(map.acquire("iris")?.id.version).toBe(0n);
  expect(map.acquire("iris", 0n)?.id.version).toBe(0n);
  await map.publish(id(1n), "servable 1");
  expect(map.acquire("iris")?.id.version).toBe(1n);
});

test("tells every name and version that is served, and nothing of those that are gone", async () => {
  const map = await serving(1n, 2n);
  await map.publish(id(3n, "rose"), "servable 3");
  expect(map.names().map((name) => [name, map.versions(name)])).toEqual([
    ["iris", [2n, 1n]],
    ["rose", [3n]],
  ]);
  await map.retire(id(3n, "rose"));
  expect([map.names(), map.versions("rose")]).toEqual([["iris"], []]);
});

describe("a version that is replaced", () => {
  test("is the new servable for whoever asks from now on, among the others as before", async () => {
    const map = await serving(1n, 2n, 3n);
    await map.replace(id(2n), "another");
    expect(map.acquire("iris", 2n)?.servable).toBe("another");
    expect(map.versions("iris")).toEqual([3n, 2n, 1n]);
  });

  test("keeps the old servable for those who have it, and is done when the last of them gives it back", async () => {
    const map = await serving(1n);
    const handles = [map.acquire("iris")!, map.acquire("iris")!];
    let done = false;
    const replacing = map.replace(id(1n), "another").then(() => (done = true));
    const later = map.acquire("iris")!;
    expect([handles[0]!.servable, later.servable]).toEqual(["servable 1", "another"]);
    handles[0]!.release();
    await settle();
    expect(done).toBe(false);
    handles[1]!.release();
    await replacing;
    // What is in use is the new one: its own end waits for that.
    let retired = false;
    const retiring = map.retire(id(1n)).then(() => (retired = true));
    await settle();
    expect(retired).toBe(false);
    later.release();
    await retiring;
  });

  test("is published when it was not served", async () => {
    const map = await serving(1n);
    await map.replace(id(5n), "another");
    expect(map.acquire("iris")?.servable).toBe("another");
  });
});
