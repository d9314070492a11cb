import { appendFile, mkdir, rename, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { OLD_ENOUGH, put, root, watch } from "./test-source.ts";
import type { VersionPolicy } from "./version-policy.ts";

describe("files that are being copied", () => {
  test("are aspired only once they were left alone, and the old version stays till then", async () => {
    await put("m/1/model.bin");
    const { source, versions, clock, wall } = watch();
    await source.poll();
    wall.ahead = 0;
    await put("m/2/model.bin", "");
    for (let step = 0; step < 8; step++) {
      await appendFile(join(root, "m/2/model.bin"), "a piece of the model");
      await clock.advance(1000);
      await source.poll();
      expect(versions()).toEqual([1n]);
    }
    await clock.advance(1500);
    await source.poll();
    expect(versions()).toEqual([2n]);
  });

  test("leave the old version on the list even when its folder is gone", async () => {
    await put("m/1/model.bin");
    const { source, versions, clock, wall } = watch();
    await source.poll();
    wall.ahead = 0;
    await put("m/2/model.bin");
    await rm(join(root, "m/1"), { recursive: true });
    await source.poll();
    expect(versions()).toEqual([1n]);
    wall.ahead = OLD_ENOUGH;
    await clock.advance(OLD_ENOUGH);
    await source.poll();
    expect(versions()).toEqual([2n]);
  });

  test.each<[VersionPolicy, bigint[], bigint[]]>([
    [{ kind: "latest", count: 2 }, [3n, 2n], [4n, 3n]],
    [{ kind: "all" }, [3n, 2n, 1n], [4n, 3n, 2n, 1n]],
    [{ kind: "specific", versions: [4n, 1n] }, [1n], [4n, 1n]],
  ])("count as absent under %o", async (policy, before, after) => {
    for (const version of [1, 2, 3]) await put(`m/${version}/model.bin`);
    const { source, versions, clock, wall } = watch(policy);
    await source.poll();
    wall.ahead = 0;
    await put("m/4/model.bin");
    await source.poll();
    expect(versions()).toEqual(before);
    await clock.advance(1500);
    await source.poll();
    expect(versions()).toEqual(after);
  });

  test("settle by the monotonic clock when their times lie in the future", async () => {
    await put("m/1/model.bin");
    await utimes(join(root, "m/1/model.bin"), new Date("2100-01-01"), new Date("2100-01-01"));
    const { source, versions, clock } = watch();
    await source.poll();
    expect(versions()).toBeUndefined();
    await clock.advance(1500);
    await source.poll();
    expect(versions()).toEqual([1n]);
  });

  test("and deleted before they settled are never aspired", async () => {
    const { source, versions, clock, wall } = watch();
    wall.ahead = 0;
    await put("m/1/model.bin");
    await source.poll();
    await rm(join(root, "m/1"), { recursive: true });
    await clock.advance(5000);
    await source.poll();
    expect(versions()).toEqual([]);
  });

  test("and were deleted and made anew have to settle anew", async () => {
    const { source, versions, clock, wall } = watch();
    await put("m/1/model.bin");
    await put("m/2/model.bin", "first");
    await source.poll();
    expect(versions()).toEqual([2n]);
    await rm(join(root, "m/2"), { recursive: true });
    await source.poll();
    expect(versions()).toEqual([1n]);
    wall.ahead = 0;
    await put("m/2/model.bin", "second");
    await source.poll();
    expect(versions()).toEqual([1n]);
    await clock.advance(1500);
    await source.poll();
    expect(versions()).toEqual([2n]);
  });

  test("into a folder without files are never aspired, with a warning", async () => {
    await put("m/1/model.bin");
    await mkdir(join(root, "m/2"));
    const { source, versions, warnings, clock } = watch();
    await source.poll();
    for (let round = 0; round < 3; round++) {
      await clock.advance(OLD_ENOUGH);
      await source.poll();
    }
    expect(versions()).toEqual([1n]);
    expect(warnings).toEqual(["m: empty_version"]);
  });

  test("that leave a file of no bytes are aspired after ten windows, so that the loader says what is wrong", async () => {
    await put("m/1/model.bin");
    await put("m/2/model.bin", "");
    const { source, versions, clock } = watch();
    await source.poll();
    await clock.advance(4900);
    await source.poll();
    expect(versions()).toEqual([1n]);
    await clock.advance(100);
    await source.poll();
    expect(versions()).toEqual([2n]);
  });
});

describe("a wall clock that is set while files are being copied", () => {
  const HOUR = 3_600_000;
  const jumps = [HOUR, -HOUR, 365 * 24 * HOUR, -365 * 24 * HOUR];

  test.each(jumps)("by %d ms neither loads half a copy nor waits for ever", async (jump) => {
    await put("m/1/model.bin");
    const { source, versions, clock, wall } = watch();
    await source.poll();
    wall.ahead = 0;
    await put("m/2/model.bin", "half of ");
    await source.poll();
    wall.ahead = jump;
    await clock.advance(400);
    await source.poll();
    expect(versions()).toEqual([1n]);
    await appendFile(join(root, "m/2/model.bin"), "the model");
    await clock.advance(500);
    await source.poll();
    await clock.advance(500);
    await source.poll();
    expect(versions()).toEqual([2n]);
  });

  test.each(jumps)("by %d ms changes nothing about when is looked next", async (jump) => {
    await put("m/1/model.bin");
    const { source, clock, wall, emitted } = watch();
    await source.start();
    wall.ahead += jump;
    await put("m/2/model.bin");
    let looks = 0;
    const looked = emitted().then(() => looks++);
    await clock.advance(999);
    expect(looks).toBe(0);
    await clock.advance(1);
    await looked;
  });
});

describe("a folder that is moved", () => {
  test("while it is being copied has to settle under its new number", async () => {
    await put("m/1/model.bin");
    const { source, versions, clock, wall } = watch();
    await source.poll();
    wall.ahead = 0;
    await put("m/2/model.bin", "half of ");
    await source.poll();
    await rename(join(root, "m/2"), join(root, "m/3"));
    await appendFile(join(root, "m/3/model.bin"), "the model");
    await source.poll();
    expect(versions()).toEqual([1n]);
    await clock.advance(500);
    await source.poll();
    expect(versions()).toEqual([3n]);
  });

  test("away while it was being loaded and made anew with other content is loaded once, after it settled", async () => {
    const renewed: bigint[] = [];
    const { source, versions, clock, wall } = watch(undefined, { onRenewed: ({ version }) => renewed.push(version) });
    await put("m/1/model.bin");
    await source.poll();
    await rm(join(root, "m/1"), { recursive: true });
    source.noteFailure({ name: "m", version: 1n });
    await source.poll();
    expect(versions()).toEqual([]);
    wall.ahead = 0;
    await put("m/1/model.bin", "the first half");
    await source.poll();
    await appendFile(join(root, "m/1/model.bin"), ", the second");
    await clock.advance(400);
    await source.poll();
    expect(versions()).toEqual([]);
    await clock.advance(500);
    await source.poll();
    await source.poll();
    expect([versions(), renewed]).toEqual([[1n], []]);
  });
});
