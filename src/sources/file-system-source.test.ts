import { mkdirSync } from "node:fs";
import { appendFile, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { deferred } from "../base/deferred.ts";
import { OLD_ENOUGH, put, root, watch } from "./test-source.ts";
import type { VersionPolicy } from "./version-policy.ts";

describe("version folders", () => {
  test.each<[string, VersionPolicy, string[], string[]]>([
    ["the highest", { kind: "latest", count: 1 }, ["1", "2", "10"], ["m/10"]],
    ["the highest two", { kind: "latest", count: 2 }, ["1", "2", "10"], ["m/10", "m/2"]],
    ["the highest, asked for none", { kind: "latest", count: 0 }, ["1", "2"], ["m/2"]],
    ["all", { kind: "all" }, ["1", "2", "10"], ["m/10", "m/2", "m/1"]],
    [
      "one listed under its number, spelled with zeros",
      { kind: "specific", versions: [123n] },
      ["00000123", "124"],
      ["m/00000123"],
    ],
    ["times of the year", { kind: "latest", count: 1 }, ["20160606150000", "20160606163000"], ["m/20160606163000"]],
    ["beyond 2^63 below", { kind: "all" }, ["-9223372036854775808", "-9223372036854775809"], ["m/-9223372036854775808"]],
    [
      "with gaps",
      { kind: "latest", count: 3 },
      ["1", "5", "1000000", "9007199254740993"],
      ["m/9007199254740993", "m/1000000", "m/5"],
    ],
    ["those listed", { kind: "specific", versions: [2n, 1n] }, ["1", "2", "10"], ["m/2", "m/1"]],
    ["odd spellings", { kind: "all" }, ["00000123", "+5", " 7", "-3"], ["m/00000123", "m/ 7", "m/+5", "m/-3"]],
    ["hidden and named ones left out", { kind: "all" }, [".1", "1~", "assets", "v3", "1"], ["m/1"]],
    ["beyond 2^53", { kind: "latest", count: 1 }, ["9007199254740993", "9007199254740992"], ["m/9007199254740993"]],
    ["beyond 2^63 left out", { kind: "all" }, ["9223372036854775808", "9223372036854775807"], ["m/9223372036854775807"]],
  ])("are picked: %s", async (_name, policy, folders, expected) => {
    for (const folder of folders) await put(`m/${folder}/model.bin`);
    const { source, paths, warnings } = watch(policy);
    await source.poll();
    expect(paths()).toEqual(expected);
    expect(warnings).toEqual([]);
  });

  test("have the whole 64-bit number as their version", async () => {
    await put("m/9007199254740993/model.bin");
    const { source, versions } = watch();
    await source.poll();
    expect(versions()).toEqual([9007199254740993n]);
  });

  test("may be ten thousand, with the highest number that there is", async () => {
    mkdirSync(join(root, "m"));
    for (let version = 1; version < 10_000; version++) mkdirSync(join(root, `m/${version}`));
    await put("m/9999/model.bin");
    await put("m/9223372036854775807/model.bin");
    const { source, versions } = watch({ kind: "latest", count: 2 });
    await source.poll();
    expect(versions()).toEqual([9223372036854775807n, 9999n]);
  });

  test("none at the start empties the list, with one warning, until the first one comes", async () => {
    mkdirSync(join(root, "m"));
    const { source, versions, warnings } = watch();
    await source.poll();
    await source.poll();
    expect([versions(), warnings]).toEqual([[], ["m: no_versions"]]);
    await put("m/3/model.bin");
    await source.poll();
    expect(versions()).toEqual([3n]);
  });

  test("of several models are each model's own", async () => {
    await put("m/1/model.bin");
    await put("other/7/model.bin");
    const { source, servable, versions } = watch();
    source.update([servable, { ...servable, name: "other", basePath: join(root, "other") }]);
    await source.poll();
    expect([versions("m"), versions("other")]).toEqual([[1n], [7n]]);
  });

  test("of one number: the alphabetically last is used, with a warning", async () => {
    await put("m/1/model.bin");
    await put("m/001/model.bin");
    const { source, paths, warnings } = watch();
    await source.poll();
    expect(paths()).toEqual(["m/1"]);
    expect(warnings).toEqual(["m: duplicate_version"]);
  });

  test("must be folders, or links to some", async () => {
    await put("m/3");
    await put("elsewhere/model.bin");
    await put("m/1/model.bin");
    await symlink("../elsewhere", join(root, "m/2"));
    await symlink("4", join(root, "m/4"));
    const { source, paths } = watch({ kind: "all" });
    await source.poll();
    expect(paths()).toEqual(["m/2", "m/1"]);
  });

  test("that are asked for and missing are warned about once", async () => {
    await put("m/1/model.bin");
    const { source, versions, warnings } = watch({ kind: "specific", versions: [1n, 4n] });
    await source.poll();
    await source.poll();
    expect(versions()).toEqual([1n]);
    expect(warnings).toEqual(["m: version_missing"]);
  });

  test("are not aspired by an empty list of specific ones", async () => {
    await put("m/1/model.bin");
    const { source, versions, warnings } = watch({ kind: "specific", versions: [] });
    await source.poll();
    expect(versions()).toEqual([]);
    expect(warnings).toEqual(["m: no_versions"]);
  });

  test("that are renamed change their version", async () => {
    await put("m/1/model.bin");
    const { source, versions } = watch();
    await source.poll();
    await rename(join(root, "m/1"), join(root, "m/2"));
    await source.poll();
    expect(versions()).toEqual([2n]);
  });

  test("all gone empties the list, with a warning", async () => {
    await put("m/1/model.bin");
    const { source, versions, warnings } = watch();
    await source.poll();
    await rm(join(root, "m/1"), { recursive: true });
    await source.poll();
    expect(versions()).toEqual([]);
    expect(warnings).toEqual(["m: no_versions"]);
  });

  test("all gone keeps the list when versions must always be present", async () => {
    await put("m/1/model.bin");
    const { source, versions, warnings } = watch(undefined, { versionsAlwaysPresent: true });
    await source.poll();
    await rm(join(root, "m/1"), { recursive: true });
    await source.poll();
    expect(versions()).toEqual([1n]);
    expect(warnings).toEqual(["m: no_versions"]);
  });
});

describe("a base path that is missing", () => {
  test("for 60 s keeps what is served and is warned about once, and again when it went once more", async () => {
    await put("m/1/model.bin");
    const { source, versions, warnings, clock } = watch();
    await source.poll();
    await rename(join(root, "m"), join(root, "away"));
    for (let second = 0; second < 60; second++) {
      await clock.advance(1000);
      await source.poll();
    }
    expect(versions()).toEqual([1n]);
    expect(warnings).toEqual(["m: base_path_missing"]);

    await rename(join(root, "away"), join(root, "m"));
    await source.poll();
    await rm(join(root, "m"), { recursive: true });
    await source.poll();
    expect(versions()).toEqual([1n]);
    expect(warnings).toEqual(["m: base_path_missing", "m: base_path_missing"]);
  });

  test("says nothing about its versions, and holds up no other model", async () => {
    await put("other/3/model.bin");
    const { source, servable, versions } = watch();
    source.update([servable, { ...servable, name: "other", basePath: join(root, "other") }]);
    await source.poll();
    expect(versions("m")).toBeUndefined();
    expect(versions("other")).toEqual([3n]);
  });
});

describe("a base path that is itself a model", () => {
  test.each(["m", "m/model.bin"])("is version 1, and the next number each time %s changes", async (file) => {
    await put(file, "first");
    const { source, versions, paths } = watch();
    await source.poll();
    await source.poll();
    expect(versions()).toEqual([1n]);
    expect(paths()).toEqual(["m"]);

    await put(file, "second one");
    await source.poll();
    expect(versions()).toEqual([2n]);

    await put("replacement", "third");
    await rename(join(root, "replacement"), join(root, file));
    await source.poll();
    expect(versions()).toEqual([3n]);
  });

  test("a file's next number comes with each change of the processing file beside it", async () => {
    await put("m", "model");
    const { source, versions } = watch();
    const steps = async () => {
      await source.poll();
      return versions();
    };
    expect(await steps()).toEqual([1n]);
    await put("m.processing.yaml", "first");
    expect(await steps()).toEqual([2n]);
    expect(await steps()).toEqual([2n]);
    await put("m.processing.yaml", "second");
    expect(await steps()).toEqual([3n]);
    await rm(join(root, "m.processing.yaml"));
    expect(await steps()).toEqual([4n]);
    expect(await steps()).toEqual([4n]);
  });

  test("keeps its number while a change is being written", async () => {
    await put("m", "first");
    const { source, versions, clock, wall } = watch();
    await source.poll();
    wall.ahead = 0;
    await put("m", "second one");
    await source.poll();
    await appendFile(join(root, "m"), "and more");
    await clock.advance(1400);
    await source.poll();
    expect(versions()).toEqual([1n]);
    await clock.advance(1500);
    await source.poll();
    expect(versions()).toEqual([2n]);
  });

  test("stays when it is emptied, for ten windows", async () => {
    await put("m", "first");
    const { source, versions, clock } = watch();
    await source.poll();
    await put("m", "");
    await source.poll();
    await clock.advance(4900);
    await source.poll();
    expect(versions()).toEqual([1n]);
    await clock.advance(100);
    await source.poll();
    expect(versions()).toEqual([2n]);
  });

  test.each([
    ["m", "m: base_path_missing"],
    ["m/model.bin", "m: model_missing"],
  ])("stays when %s vanishes", async (file, warning) => {
    await put(file);
    const { source, versions, warnings } = watch();
    await source.poll();
    await rm(join(root, file));
    await source.poll();
    await source.poll();
    expect(versions()).toEqual([1n]);
    expect(warnings).toEqual([warning]);
  });

  test("gives way to version folders once one has settled, and goes on counting above them", async () => {
    await put("m/model.bin");
    const { source, versions, paths, wall, clock } = watch();
    await source.poll();
    wall.ahead = 0;
    await put("m/7/model.bin");
    await source.poll();
    expect(versions()).toEqual([1n]);
    await clock.advance(1500);
    await source.poll();
    expect(paths()).toEqual(["m/7"]);
    wall.ahead = OLD_ENOUGH;
    await clock.advance(OLD_ENOUGH);
    await rm(join(root, "m/7"), { recursive: true });
    await source.poll();
    expect(versions()).toEqual([8n]);
  });
});

describe("a source that was started", () => {
  test("looks at once and then at the interval", async () => {
    await put("m/1/model.bin");
    const { source, versions, clock, emitted } = watch();
    await source.start();
    expect(versions()).toEqual([1n]);

    await put("m/2/model.bin");
    const second = emitted();
    await clock.advance(1000);
    await second;
    expect(versions()).toEqual([2n]);
  });

  test("looks once when the interval is 0, and never when it is negative", async () => {
    await put("m/1/model.bin");
    const once = watch(undefined, { pollIntervalMs: 0 });
    const never = watch(undefined, { pollIntervalMs: -1 });
    await Promise.all([once.source.start(), never.source.start()]);
    await put("m/2/model.bin");
    await Promise.all([once.clock.advance(OLD_ENOUGH), never.clock.advance(OLD_ENOUGH)]);
    await Promise.all([once.source.stop(), never.source.stop()]);
    expect(once.versions()).toEqual([1n]);
    expect(never.versions()).toBeUndefined();
  });

  test("looks sooner while files are being written, even when it would look only once", async () => {
    await put("m/1/model.bin");
    const { source, versions, clock, wall, emitted } = watch(undefined, { pollIntervalMs: 0, changingIntervalMs: 1500 });
    wall.ahead = 0;
    const looked = emitted();
    await source.start();
    expect(versions()).toBeUndefined();
    await clock.advance(1500);
    await looked;
    expect(versions()).toEqual([1n]);
  });

  test("sends an empty list for a name that is removed, and finds one that is added", async () => {
    await put("m/1/model.bin");
    await put("other/1/model.bin");
    const { source, servable, versions, emitted } = watch();
    await source.start();
    source.update([{ ...servable, name: "other", basePath: join(root, "other") }]);
    expect(versions("m")).toEqual([]);
    await emitted();
    expect(versions("other")).toEqual([1n]);
  });

  test("follows a changed policy", async () => {
    await put("m/1/model.bin");
    await put("m/2/model.bin");
    const { source, servable, versions } = watch();
    await source.poll();
    source.update([{ ...servable, versionPolicy: { kind: "all" } }]);
    await source.poll();
    expect(versions()).toEqual([2n, 1n]);
  });

  test("says nothing of a look that was in progress when it was stopped", async () => {
    await put("m/model.bin");
    const looking = deferred<void>();
    const answer = deferred<boolean>();
    const isModel = () => {
      looking.resolve();
      return answer.promise;
    };
    const { source, versions } = watch(undefined, { isModel });
    const started = source.start();
    await looking.promise;
    const stopped = source.stop();
    answer.resolve(true);
    await Promise.all([started, stopped]);
    expect(versions()).toBeUndefined();
  });

  test("says nothing more once it is stopped", async () => {
    await put("m/1/model.bin");
    const { source, versions, servable, clock } = watch();
    const started = source.start();
    const stopped = source.stop();
    source.update([{ ...servable, name: "other" }]);
    await Promise.all([started, stopped]);
    await clock.advance(OLD_ENOUGH);
    await source.poll();
    expect(versions()).toBeUndefined();
  });
});

describe("a version that failed to load", () => {
  test("is given out as renewed once its files have changed and settled", async () => {
    const renewed: bigint[] = [];
    const { source, clock, wall, versions } = watch(undefined, { onRenewed: ({ version }) => renewed.push(version) });
    await put("m/1/model.bin", "broken");
    await source.poll();
    source.noteFailure({ name: "m", version: 1n });
    await source.poll();
    expect(renewed).toEqual([]);

    wall.ahead = 0;
    await put("m/1/model.bin", "mended, and longer");
    await source.poll();
    expect([renewed, versions()]).toEqual([[], [1n]]);
    await clock.advance(500);
    await source.poll();
    expect([renewed, versions()]).toEqual([[1n], [1n]]);
    await source.poll();
    expect(renewed).toEqual([1n]);
  });

  test("that went away and came back mended is an ordinary version again", async () => {
    const renewed: bigint[] = [];
    const { source, clock, wall } = watch(undefined, { onRenewed: ({ version }) => renewed.push(version) });
    await put("m/1/model.bin", "broken");
    await source.poll();
    source.noteFailure({ name: "m", version: 1n });
    await rm(join(root, "m/1"), { recursive: true });
    await source.poll();
    await put("m/1/model.bin", "mended");
    await source.poll();
    wall.ahead = 0;
    await put("m/1/model.bin", "changed while it is served");
    await source.poll();
    await clock.advance(1000);
    await source.poll();
    expect(renewed).toEqual([]);
  });

  test("is not renewed by looking at it again", async () => {
    const renewed: bigint[] = [];
    const { source, clock } = watch(undefined, { onRenewed: ({ version }) => renewed.push(version) });
    await put("m/1/model.bin", "broken");
    await source.poll();
    source.noteFailure({ name: "m", version: 1n });
    await clock.advance(5000);
    expect(renewed).toEqual([]);
  });

  test("is renewed even when the settings change while that is being found out", async () => {
    const renewed: bigint[] = [];
    let change = (): void => undefined;
    const watched = watch(undefined, {
      onRenewed: ({ version }) => renewed.push(version),
      wallClock: () => {
        change();
        return Date.now() + OLD_ENOUGH;
      },
    });
    const { source, servable, versions } = watched;
    await put("m/1/model.bin", "broken");
    await source.poll();
    source.noteFailure({ name: "m", version: 1n });
    await put("m/1/model.bin", "mended, and longer");
    change = () => {
      change = () => undefined;
      source.update([{ ...servable, versionPolicy: { kind: "all" } }]);
    };
    await source.poll();
    await source.poll();
    expect([renewed, versions()]).toEqual([[1n], [1n]]);
  });
});

describe("a base path that is a link", () => {
  test("has the versions of where it leads, as soon as it leads elsewhere", async () => {
    for (const release of ["first", "second"]) await put(`${release}/${release === "first" ? 1 : 2}/model.bin`);
    const replaced = async (release: string) => {
      await symlink(release, join(root, "link"));
      await rename(join(root, "link"), join(root, "m"));
    };
    await replaced("first");
    const { source, versions, wall } = watch(undefined, { listAgainWithinMs: 2000 });
    await source.poll();
    expect(versions()).toEqual([1n]);
    wall.ahead += OLD_ENOUGH;
    await source.poll();
    await replaced("second");
    await source.poll();
    expect(versions()).toEqual([2n]);
    await replaced("first");
    await source.poll();
    expect(versions()).toEqual([1n]);
  });
});
