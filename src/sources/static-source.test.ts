import { expect, test } from "vitest";
import { ServingError } from "../base/serving-error.ts";
import type { ServableData } from "../core/servable-data.ts";
import { StaticSource } from "./static-source.ts";

test("sends each name's list once, on connection", () => {
  const item = (name: string, version: bigint): ServableData<string> => ({ id: { name, version }, data: `${name}${version}` });
  const broken: ServableData<string> = { id: { name: "b", version: 3n }, error: new ServingError("internal", "broken") };
  const calls: [string, readonly ServableData<string>[]][] = [];

  new StaticSource([item("a", 1n), item("b", 1n), item("a", 2n), broken]).connect({
    setAspiredVersions: (name, versions) => void calls.push([name, versions]),
  });

  expect(calls).toEqual([
    ["a", [item("a", 1n), item("a", 2n)]],
    ["b", [item("b", 1n), broken]],
  ]);
});
