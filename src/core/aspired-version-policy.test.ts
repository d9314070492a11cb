import { describe, expect, test } from "vitest";
import type { Action, VersionView } from "./aspired-version-policy.ts";
import { availabilityPreservingPolicy } from "./availability-preserving-policy.ts";
import type { LoaderState } from "./loader-state.ts";
import { resourcePreservingPolicy } from "./resource-preserving-policy.ts";

/** A version and its state; a minus before the state means that it is not aspired. */
type Row = [version: bigint, state: LoaderState | `-${LoaderState}`];
type Case = [title: string, rows: Row[], action: Action | undefined];

function views(rows: Row[]): VersionView[] {
  return rows.map(([version, text]) => ({
    version,
    aspired: !text.startsWith("-"),
    state: text.replace(/^-/, "") as LoaderState,
  }));
}

describe("availability preserving policy", () => {
  test.each<Case>([
    ["has nothing to do for no versions", [], undefined],
    ["loads the first version", [[1n, "new"]], { load: 1n }],
    [
      "loads the highest new aspired version",
      [
        [1n, "new"],
        [4n, "new"],
        [3n, "new"],
      ],
      { load: 4n },
    ],
    [
      "loads before it unloads the last old version",
      [
        [1n, "-ready"],
        [2n, "new"],
      ],
      { load: 2n },
    ],
    [
      "keeps the old version while the new one loads",
      [
        [1n, "-ready"],
        [2n, "loading"],
      ],
      undefined,
    ],
    [
      "unloads the old version once the new one is ready",
      [
        [1n, "-ready"],
        [2n, "ready"],
      ],
      { unload: 1n },
    ],
    [
      "unloads the old version before it loads a further one",
      [
        [1n, "-ready"],
        [2n, "ready"],
        [3n, "new"],
      ],
      { unload: 1n },
    ],
    [
      "unloads the old version when one of the new ones is ready, though another still loads",
      [
        [1n, "-ready"],
        [2n, "ready"],
        [3n, "loading"],
      ],
      { unload: 1n },
    ],
    [
      "unloads the old version when one of the new ones is ready, though another failed",
      [
        [1n, "-ready"],
        [2n, "ready"],
        [3n, "error"],
      ],
      { unload: 1n },
    ],
    [
      "keeps the old version when the new one failed",
      [
        [1n, "-ready"],
        [2n, "error"],
      ],
      undefined,
    ],
    [
      "unloads the lowest of several old ones, though no new one is ready",
      [
        [2n, "-ready"],
        [1n, "-ready"],
        [3n, "new"],
      ],
      { unload: 1n },
    ],
    [
      "unloads when nothing is aspired",
      [
        [2n, "-ready"],
        [1n, "-quiescing"],
      ],
      { unload: 2n },
    ],
    [
      "unloads the lowest when nothing is aspired",
      [
        [5n, "-ready"],
        [4n, "-ready"],
      ],
      { unload: 4n },
    ],
    [
      "loads while an old version is being unloaded",
      [
        [1n, "-unloading"],
        [2n, "new"],
      ],
      { load: 2n },
    ],
    ["does not load what is no longer aspired", [[1n, "-new"]], undefined],
    [
      "does not touch an aspired version at work",
      [
        [1n, "ready"],
        [2n, "loading"],
        [3n, "error"],
      ],
      undefined,
    ],
  ])("%s", (_title, rows, action) => {
    expect(availabilityPreservingPolicy(views(rows))).toEqual(action);
  });
});

describe("resource preserving policy", () => {
  test.each<Case>([
    ["has nothing to do for no versions", [], undefined],
    [
      "loads the highest new aspired version",
      [
        [1n, "new"],
        [4n, "new"],
        [3n, "new"],
      ],
      { load: 4n },
    ],
    [
      "unloads the old version first",
      [
        [1n, "-ready"],
        [2n, "new"],
      ],
      { unload: 1n },
    ],
    [
      "unloads every old version first",
      [
        [1n, "-unloading"],
        [2n, "-ready"],
        [3n, "new"],
      ],
      { unload: 2n },
    ],
    [
      "waits until the old version is gone",
      [
        [1n, "-unloading"],
        [2n, "new"],
      ],
      undefined,
    ],
    [
      "waits for an old version that still loads",
      [
        [1n, "-loading"],
        [2n, "new"],
      ],
      undefined,
    ],
    [
      "loads when the old version failed",
      [
        [1n, "-error"],
        [2n, "new"],
      ],
      { load: 2n },
    ],
    [
      "waits for an old version whose unload was just requested, though another one failed",
      [
        [1n, "-error"],
        [2n, "-unload-requested"],
        [3n, "new"],
      ],
      undefined,
    ],
    [
      "loads when the old versions are finished",
      [
        [1n, "-disabled"],
        [2n, "-error"],
        [3n, "new"],
      ],
      { load: 3n },
    ],
    [
      "does not touch an aspired version at work",
      [
        [1n, "ready"],
        [2n, "loading"],
      ],
      undefined,
    ],
  ])("%s", (_title, rows, action) => {
    expect(resourcePreservingPolicy(views(rows))).toEqual(action);
  });
});
