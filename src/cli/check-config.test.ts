import { expect, test } from "vitest";
import { LATEST_VERSION, NO_TRAFFIC_SPLIT } from "../config/model-config.ts";
import { configTable } from "./check-config.ts";

test("a config is shown with a line per model", () => {
  const plain = { versionPolicy: LATEST_VERSION, labels: new Map<string, bigint>(), trafficSplit: NO_TRAFFIC_SPLIT };
  const table = configTable([
    {
      ...plain,
      name: "iris",
      basePath: "/srv/iris",
      platform: "onnx",
      versionPolicy: { kind: "specific", versions: [1n, 2n] },
      labels: new Map([
        ["stable", 1n],
        ["canary", 2n],
      ]),
      trafficSplit: new Map([
        ["stable", 9],
        ["canary", 1],
      ]),
      logging: { samplingRate: 0.01, filenamePrefix: "/logs/iris", format: "tfrecord" },
    },
    { ...plain, name: "a", basePath: "/srv/a", versionPolicy: { kind: "latest", count: 3 } },
    { ...plain, name: "b", basePath: "/srv/b", versionPolicy: { kind: "specific", versions: [] } },
  ]);
  expect(table).toBe(
    [
      "  MODEL  PLATFORM  VERSIONS  LABELS                          BASE PATH",
      "  iris   onnx      1, 2      stable=1 (90%), canary=2 (10%)  /srv/iris (logs 1% of requests)",
      "  a      detected  latest 3  -                               /srv/a",
      "  b      detected  none      -                               /srv/b",
    ].join("\n"),
  );
});
