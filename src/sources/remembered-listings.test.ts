import { mkdir, mkdtemp, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeClock } from "../base/fake-clock.ts";
import { FileSystemSource } from "./file-system-source.ts";
import { ModelsDirectory } from "./models-directory.ts";
import { nextFileTime } from "./test-file-times.ts";
import type { VersionPolicy } from "./version-policy.ts";

// What is remembered between looks against a plain twin: one made anew for each look, which remembers nothing.

const HOUR = 3_600_000;
/** Everything looks old and settled; a folder's times are trusted at once, so the file system's clock has to tick between looks. */
const OLD = { wallClock: () => Date.now() + HOUR, listAgainWithinMs: 0 };

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "remembered-listings-"));
});
afterEach(() => rm(root, { recursive: true }));

const tick = () => nextFileTime(root);

const ignoring = (action: Promise<unknown>) => action.catch(() => undefined);

async function put(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "model.onnx"), "model");
}

describe("a file-system source", () => {
  type Step = readonly [
    what: "create" | "remove" | "rename" | "file" | "link" | "unlink" | "away" | "back",
    from: string,
    to: string,
  ];
  const version = fc.constantFrom("1", "2", "3", "02", "11", "9007199254740993", "9007199254740992", ".4", "x");
  const step: fc.Arbitrary<Step> = fc.tuple(
    fc.constantFrom("create", "create", "create", "remove", "rename", "rename", "file", "link", "unlink", "away", "back"),
    version,
    version,
  );
  const policy = fc.constantFrom<VersionPolicy>(
    { kind: "latest", count: 1 },
    { kind: "latest", count: 2 },
    { kind: "all" },
    { kind: "specific", versions: [1n, 2n] },
    { kind: "specific", versions: [3n, 9007199254740993n] },
  );

  async function take([what, from, to]: Step): Promise<void> {
    const base = join(root, "m");
    switch (what) {
      case "create":
        await ignoring(put(join(base, from)));
        break;
      case "remove":
        await rm(join(base, from), { recursive: true, force: true });
        break;
      case "rename":
        await ignoring(rename(join(base, from), join(base, to)));
        break;
      case "file":
        await ignoring(writeFile(join(base, from), "no folder"));
        break;
      case "link":
        await put(join(root, "elsewhere"));
        await ignoring(symlink("../elsewhere", join(base, from)));
        break;
      case "unlink":
        await rm(join(root, "elsewhere"), { recursive: true, force: true });
        break;
      case "away":
        await ignoring(rename(base, join(root, "away")));
        break;
      case "back":
        await ignoring(rename(join(root, "away"), base));
        break;
    }
  }

  function watch(versionPolicy: VersionPolicy) {
    let list: readonly string[] | undefined;
    const source = new FileSystemSource({
      ...OLD,
      pollIntervalMs: 1000,
      clock: new FakeClock(),
      servables: [{ name: "m", basePath: join(root, "m"), versionPolicy }],
      isModel: async () => false,
      report: () => undefined,
    });
    source.connect({
      setAspiredVersions: (_name, versions) => {
        list = versions.map((item) => `${item.id.version} ${item.error ? "error" : item.data.path}`);
      },
    });
    return { source, list: () => list };
  }

  test("sees every change at the next look", async () => {
    await fc.assert(
      fc.asyncProperty(
        policy,
        fc.array(fc.array(step, { maxLength: 3 }), { minLength: 2, maxLength: 6 }),
        async (chosen, rounds) => {
          for (const old of ["m", "away", "elsewhere"]) await rm(join(root, old), { recursive: true, force: true });
          await put(join(root, "m", "1"));
          const kept = watch(chosen);
          // Looks by itself, as it does at its interval: one that was asked for says everything anew.
          const clock = new FakeClock();
          const looks = watchByItself(chosen, clock);
          await looks.source.start();
          let expected: readonly string[] | undefined;
          for (const steps of rounds) {
            await kept.source.poll();
            for (const each of steps) await take(each);
            await tick();
            await kept.source.poll();
            const looked = looks.looked();
            await clock.advance(1000);
            await looked;
            const fresh = watch(chosen);
            await fresh.source.poll();
            // A base path that is missing says nothing: what was said last holds.
            expected = fresh.list() ?? kept.list();
            expect(kept.list()).toEqual(expected);
            expect(looks.list()).toEqual(expected);
          }
          await looks.source.stop();
        },
      ),
      { numRuns: 25 },
    );
  });

  /** A source that polls, and a promise for the end of its next look. */
  function watchByItself(versionPolicy: VersionPolicy, clock: FakeClock) {
    let list: readonly string[] | undefined;
    let asked = 0;
    const source = new FileSystemSource({
      ...OLD,
      pollIntervalMs: 1000,
      clock: {
        now: () => clock.now(),
        after: (delayMs, action) => {
          asked++;
          return clock.after(delayMs, action);
        },
      },
      servables: [{ name: "m", basePath: join(root, "m"), versionPolicy }],
      isModel: async () => false,
      report: () => undefined,
    });
    source.connect({
      setAspiredVersions: (_name, versions) => {
        list = versions.map((item) => `${item.id.version} ${item.error ? "error" : item.data.path}`);
      },
    });
    const looked = async () => {
      // A look ends by asking for the next one.
      const before = asked;
      while (asked === before) await new Promise((resolve) => setImmediate(resolve));
    };
    return { source, list: () => list, looked };
  }
});

describe("a folder of models", () => {
  type Step = readonly [
    what: "version" | "model" | "file" | "link" | "unlink" | "remove" | "remove-version" | "rename" | "notes",
    from: string,
    to: string,
  ];
  const name = fc.constantFrom("a", "b", "c", "d.onnx", ".hidden");
  const step: fc.Arbitrary<Step> = fc.tuple(
    fc.constantFrom("version", "version", "model", "file", "link", "unlink", "remove", "remove-version", "rename", "notes"),
    name,
    name,
  );
  const isModel = async (path: string) => {
    const here = await stat(path).catch(() => undefined);
    if (here?.isFile()) return path.endsWith(".onnx");
    return (await stat(join(path, "model.onnx")).catch(() => undefined)) !== undefined;
  };

  async function take([what, from, to]: Step): Promise<void> {
    const child = join(root, "models", from);
    switch (what) {
      case "version":
        await ignoring(put(join(child, "1")));
        break;
      case "model":
        await ignoring(put(child));
        break;
      case "file":
        await ignoring(writeFile(`${child}.onnx`, "model"));
        break;
      case "remove":
        await rm(child, { recursive: true, force: true });
        break;
      case "link":
        await put(join(root, "elsewhere"));
        await ignoring(mkdir(child));
        await ignoring(symlink("../../elsewhere", join(child, "2")));
        break;
      case "unlink":
        await rm(join(root, "elsewhere"), { recursive: true, force: true });
        break;
      case "remove-version":
        await rm(join(child, "1"), { recursive: true, force: true });
        break;
      case "rename":
        await ignoring(rename(child, join(root, "models", to)));
        break;
      case "notes":
        await ignoring(mkdir(child, { recursive: true }));
        break;
    }
  }

  test("shows every change at the next look, and the very same list while there is none", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { maxLength: 3 }), { minLength: 2, maxLength: 6 }), async (rounds) => {
        for (const old of ["models", "elsewhere"]) await rm(join(root, old), { recursive: true, force: true });
        await mkdir(join(root, "models"));
        const kept = new ModelsDirectory(join(root, "models"), isModel, OLD);
        for (const steps of rounds) {
          const before = await kept.look();
          expect(await kept.look()).toBe(before);
          for (const each of steps) await take(each);
          await tick();
          expect(await kept.look()).toEqual(await new ModelsDirectory(join(root, "models"), isModel, OLD).look());
        }
      }),
      { numRuns: 25 },
    );
  });
});
