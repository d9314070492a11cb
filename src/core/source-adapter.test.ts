import { describe, expect, test } from "vitest";
import { ServingError } from "../base/serving-error.ts";
import type { ServableData } from "./servable-data.ts";
import { SourceAdapter } from "./source-adapter.ts";
import { SourceRouter } from "./source-router.ts";
import type { Target } from "./target.ts";

class RecordingTarget<D> implements Target<D> {
  readonly lists: [string, readonly ServableData<D>[]][] = [];

  setAspiredVersions(name: string, versions: readonly ServableData<D>[]): void {
    this.lists.push([name, versions]);
  }
}

const id = (version: bigint, name = "iris") => ({ name, version });

describe("source adapter", () => {
  test("converts item by item; a failing one becomes an error item and touches no other", () => {
    const adapter = new SourceAdapter<string, number>((data) => {
      if (data === "bad") throw new ServingError("invalid-argument", "not a number");
      if (data === "bug") throw new TypeError("secret detail");
      return Number(data);
    });
    const target = new RecordingTarget<number>();
    adapter.connect(target);
    const lost = new ServingError("not-found", "no such folder");

    adapter.setAspiredVersions("iris", [
      { id: id(1n), data: "12" },
      { id: id(2n), data: "bad" },
      { id: id(3n), error: lost },
      { id: id(4n), data: "bug" },
      { id: id(5n), data: "7" },
    ]);

    expect(target.lists).toHaveLength(1);
    const [name, items] = target.lists[0]!;
    expect(name).toBe("iris");
    expect(items.map((item) => item.error?.message ?? item)).toEqual([
      { id: id(1n), data: 12 },
      "not a number",
      "no such folder",
      "internal error",
      { id: id(5n), data: 7 },
    ]);
    expect(items.map((item) => item.id.version)).toEqual([1n, 2n, 3n, 4n, 5n]);
    expect(items[2]!.error).toBe(lost);
  });

  test("passes an empty list on", () => {
    const adapter = new SourceAdapter<string, string>((data) => data);
    const target = new RecordingTarget<string>();
    adapter.connect(target);
    adapter.setAspiredVersions("iris", []);
    expect(target.lists).toEqual([["iris", []]]);
  });

  test("keeps the last list of each name until it is connected, once", () => {
    const adapter = new SourceAdapter<string, string>((data) => data);
    adapter.setAspiredVersions("iris", [{ id: id(1n), data: "old" }]);
    adapter.setAspiredVersions("iris", [{ id: id(2n), data: "new" }]);
    adapter.setAspiredVersions("rose", []);
    const target = new RecordingTarget<string>();
    adapter.connect(target);
    expect(target.lists).toEqual([
      ["iris", [{ id: id(2n), data: "new" }]],
      ["rose", []],
    ]);
    expect(() => adapter.connect(target)).toThrow(expect.objectContaining({ code: "failed-precondition" }));
  });
});

describe("source router", () => {
  const routes = new Map([
    ["iris", "onnx"],
    ["rose", "tensorflow"],
    ["fern", "gone"],
  ]);

  function routed() {
    const router = new SourceRouter<string>(["onnx", "tensorflow"], (name) => routes.get(name));
    const onnx = new RecordingTarget<string>();
    const tensorflow = new RecordingTarget<string>();
    const unrouted = new RecordingTarget<string>();
    router.output("onnx").connect(onnx);
    router.output("tensorflow").connect(tensorflow);
    router.unrouted.connect(unrouted);
    return { router, onnx, tensorflow, unrouted };
  }

  test("sends each name to its own output", () => {
    const { router, onnx, tensorflow, unrouted } = routed();
    router.setAspiredVersions("iris", [{ id: id(1n), data: "a" }]);
    router.setAspiredVersions("rose", []);
    expect(onnx.lists).toEqual([["iris", [{ id: id(1n), data: "a" }]]]);
    expect(tensorflow.lists).toEqual([["rose", []]]);
    expect(unrouted.lists).toEqual([]);
  });

  test.each(["moss", "fern"])("gives every version of %s, which has no output, an error", (name) => {
    const { router, onnx, tensorflow, unrouted } = routed();
    router.setAspiredVersions(name, [
      { id: id(1n, name), data: "a" },
      { id: id(2n, name), data: "b" },
    ]);
    expect([...onnx.lists, ...tensorflow.lists]).toEqual([]);
    const [, items] = unrouted.lists[0]!;
    expect(items.map((item) => [item.id.version, item.error?.code, item.error?.message])).toEqual([
      [1n, "internal", "No platform found for model"],
      [2n, "internal", "No platform found for model"],
    ]);
  });

  test("asks for the output anew with each list, so that a name may change it", () => {
    const changing = new Map([["iris", "onnx"]]);
    const router = new SourceRouter<string>(["onnx", "tensorflow"], (name) => changing.get(name));
    const onnx = new RecordingTarget<string>();
    const tensorflow = new RecordingTarget<string>();
    router.output("onnx").connect(onnx);
    router.output("tensorflow").connect(tensorflow);
    router.setAspiredVersions("iris", [{ id: id(1n), data: "a" }]);
    changing.set("iris", "tensorflow");
    router.setAspiredVersions("iris", [{ id: id(2n), data: "b" }]);
    expect([onnx.lists, tensorflow.lists]).toEqual([
      [["iris", [{ id: id(1n), data: "a" }]]],
      [["iris", [{ id: id(2n), data: "b" }]]],
    ]);
  });

  test("an output that is not connected yet keeps its lists and holds up no other", () => {
    const router = new SourceRouter<string>(["onnx", "tensorflow"], (name) => routes.get(name));
    const tensorflow = new RecordingTarget<string>();
    router.output("tensorflow").connect(tensorflow);
    router.setAspiredVersions("iris", [{ id: id(1n), data: "a" }]);
    router.setAspiredVersions("rose", [{ id: id(1n, "rose"), data: "b" }]);
    expect(tensorflow.lists).toHaveLength(1);
    const onnx = new RecordingTarget<string>();
    router.output("onnx").connect(onnx);
    expect(onnx.lists).toEqual([["iris", [{ id: id(1n), data: "a" }]]]);
  });

  test("knows no other outputs than it was built with", () => {
    const { router } = routed();
    expect(() => router.output("caffe2")).toThrow('the router has no output "caffe2"');
  });
});
