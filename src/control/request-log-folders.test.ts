import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LATEST_VERSION, type ModelConfig, NO_TRAFFIC_SPLIT } from "../config/model-config.ts";
import { loggingsOf, makeRequestLogFolders } from "./request-log-folders.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "modelport-"));
});

afterEach(() => rmSync(root, { recursive: true }));

function model(name: string, filenamePrefix?: string): ModelConfig {
  return {
    name,
    basePath: "/m",
    versionPolicy: LATEST_VERSION,
    labels: new Map(),
    trafficSplit: NO_TRAFFIC_SPLIT,
    ...(filenamePrefix !== undefined && { logging: { samplingRate: 1, filenamePrefix, format: "tfrecord" } }),
  };
}

describe("folders of request logs", () => {
  test("are made, with those above them", () => {
    makeRequestLogFolders([model("a"), model("b", join(root, "x", "y", "b"))]);
    expect(existsSync(join(root, "x", "y"))).toBe(true);
  });

  test("that cannot be made refuse their model and show no path", () => {
    writeFileSync(join(root, "file"), "");
    expect(() => makeRequestLogFolders([model("b", join(root, "file", "b"))])).toThrow(
      "the folder of model b's request log cannot be made or written to (EEXIST), change its filename_prefix",
    );
  });
});

test("models that say nothing of logging are not among those that log", () => {
  expect([...loggingsOf([model("a"), model("b", "/l/b")]).keys()]).toEqual(["b"]);
});
