import { describe, expect, test } from "vitest";
import { FakeClock } from "../base/fake-clock.ts";
import type { Fingerprint } from "./fingerprint.ts";
import { judgeSettling, steadyMoments } from "./settling.ts";

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
const wall = 1_700_000_000_000;

function files(changedAtMs: number, digest = "a", bytes = 10): Fingerprint {
  return { digest, paths: [], files: 1, bytes, changedAtMs, published: false, current: true, unreadable: false };
}

describe("judgeSettling", () => {
  test("settles at once what was last changed before the window", () => {
    expect(judgeSettling(files(wall - 1500), undefined, { monotonic: 0, wall }, 1500).verdict).toBe("settled");
    expect(judgeSettling(files(wall - 1499), undefined, { monotonic: 0, wall }, 1500).verdict).toBe("changing");
  });

  test.each([0, HOUR, YEAR, -HOUR, -YEAR])(
    "settles files %d ms from the future once they stayed the same for the window",
    (jump) => {
      const first = judgeSettling(files(wall + 10 * YEAR), undefined, { monotonic: 0, wall }, 1500);
      expect(first.verdict).toBe("changing");
      const second = judgeSettling(files(wall + 10 * YEAR), first.watch, { monotonic: 1499, wall: wall + jump }, 1500);
      expect(second.verdict).toBe("changing");
      const third = judgeSettling(files(wall + 10 * YEAR), second.watch, { monotonic: 1500, wall: wall + jump }, 1500);
      expect(third.verdict).toBe("settled");
    },
  );

  test("takes what lies on another machine's disk for older, and looks longer, than what lies on this one's", () => {
    const remote = { ...files(wall - 60_000), current: false };
    expect(judgeSettling(remote, undefined, { monotonic: 0, wall }, 500).verdict).toBe("changing");
    const { verdict, watch } = judgeSettling(remote, undefined, { monotonic: 0, wall: wall + 499 }, 500);
    expect(verdict).toBe("changing");
    expect(judgeSettling(remote, watch, { monotonic: 4_999, wall }, 500).verdict).toBe("changing");
    expect(judgeSettling(remote, watch, { monotonic: 5_000, wall }, 500).verdict).toBe("settled");
    expect(judgeSettling(remote, undefined, { monotonic: 0, wall: wall + 500 }, 500).verdict).toBe("settled");
  });

  test("waits anew after each change", () => {
    const first = judgeSettling(files(wall, "a"), undefined, { monotonic: 0, wall }, 1500);
    const second = judgeSettling(files(wall, "b"), first.watch, { monotonic: 1400, wall }, 1500);
    expect(judgeSettling(files(wall, "b"), second.watch, { monotonic: 2800, wall }, 1500).verdict).toBe("changing");
    expect(judgeSettling(files(wall, "b"), second.watch, { monotonic: 2900, wall }, 1500).verdict).toBe("settled");
  });

  test("calls what holds no byte empty after the window, and lets the loader say so after ten", () => {
    const first = judgeSettling(files(0, "a", 0), undefined, { monotonic: 0, wall }, 1500);
    expect(first.verdict).toBe("changing");
    expect(judgeSettling(files(0, "a", 0), first.watch, { monotonic: 1500, wall }, 1500).verdict).toBe("empty");
    expect(judgeSettling(files(0, "a", 0), first.watch, { monotonic: 14_999, wall }, 1500).verdict).toBe("empty");
    expect(judgeSettling(files(0, "a", 0), first.watch, { monotonic: 15_000, wall }, 1500).verdict).toBe("settled");
  });

  test("never settles a folder without files", () => {
    const nothing = { ...files(0, "a", 0), files: 0 };
    const first = judgeSettling(nothing, undefined, { monotonic: 0, wall }, 1500);
    expect(judgeSettling(nothing, first.watch, { monotonic: HOUR, wall }, 1500).verdict).toBe("empty");
  });

  test("settles at once what was moved into place whole", () => {
    expect(judgeSettling({ ...files(wall), published: true }, undefined, { monotonic: 0, wall }, 1500).verdict).toBe("settled");
  });

  test("lets what cannot be read settle, so that loading says why", () => {
    const closed = { ...files(0, "a", 0), unreadable: true };
    expect(judgeSettling(closed, undefined, { monotonic: 0, wall }, 1500).verdict).toBe("settled");
  });
});

describe("steadyMoments", () => {
  test.each<[string, jumps: number[], shown: number[]]>([
    ["goes with the wall clock", [0, 0], [0, 0]],
    ["does not follow it forward", [HOUR, YEAR], [0, 0]],
    ["follows it back", [-HOUR, -YEAR], [-HOUR, -YEAR]],
    ["stays back when it goes forward again", [-HOUR, 0], [-HOUR, -HOUR]],
  ])("%s", async (_title, jumps, shown) => {
    const clock = new FakeClock();
    let jump = 0;
    const moment = steadyMoments(clock, () => wall + clock.now() + jump);
    for (const [index, by] of jumps.entries()) {
      await clock.advance(1000);
      jump = by;
      expect(moment()).toEqual({ monotonic: clock.now(), wall: wall + clock.now() + shown[index]! });
    }
  });
});
