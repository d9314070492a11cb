import { appendFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FakeClock } from "../base/fake-clock.ts";
import { ContentStamp } from "./content-stamp.ts";
import { FileSystemSource } from "./file-system-source.ts";
import { takeFingerprint } from "./fingerprint.ts";
import { nextFileTime } from "./test-file-times.ts";

const HOUR = 3_600_000;
const later = () => Date.now() + HOUR;

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "content-stamp-"));
});
afterEach(() => rm(root, { recursive: true }));

const tick = () => nextFileTime(root);

test("is not taken of what was changed just now, is gone, or is too much", async () => {
  const file = join(root, "file");
  await writeFile(file, "model");
  expect(await ContentStamp.take([file], Date.now(), HOUR)).toBeUndefined();
  expect(await ContentStamp.take([file, join(root, "gone")], later(), 0)).toBeUndefined();
  expect(await ContentStamp.take(Array(65).fill(file), later(), 0)).toBeUndefined();
  expect(await ContentStamp.take([file], Number.NaN, 0)).toBeUndefined();
});

type Step = "write" | "rewrite" | "replace" | "add" | "remove" | "folder" | "deep" | "link" | "target";

async function take(step: Step, content: string): Promise<void> {
  const model = join(root, "m");
  const ignoring = (action: Promise<unknown>) => action.catch(() => undefined);
  switch (step) {
    case "write":
      await appendFile(join(model, "model.onnx"), content);
      break;
    case "rewrite":
      await writeFile(join(model, "model.onnx"), "MODEL");
      break;
    case "replace":
      await writeFile(join(root, "new"), content);
      await rename(join(root, "new"), join(model, "model.onnx"));
      break;
    case "add":
      await writeFile(join(model, `part ${content}`), content);
      break;
    case "remove":
      await rm(join(model, `part ${content}`), { force: true });
      break;
    case "folder":
      await mkdir(join(model, "data"), { recursive: true });
      break;
    case "deep":
      await ignoring(writeFile(join(model, "data/weights"), content));
      break;
    case "link":
      await ignoring(symlink("../target", join(model, "linked")));
      break;
    case "target":
      await writeFile(join(root, "target"), content);
      break;
  }
}

test("a bare model gets its next number whenever a fingerprint tells another content, and only then", async () => {
  const step = fc.tuple(
    fc.constantFrom<Step>("write", "rewrite", "replace", "add", "remove", "folder", "deep", "link", "target"),
    fc.constantFrom("a", "b", "cc"),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { maxLength: 2 }), { minLength: 2, maxLength: 6 }), async (rounds) => {
      for (const old of ["m", "target"]) await rm(join(root, old), { recursive: true, force: true });
      await mkdir(join(root, "m"));
      await writeFile(join(root, "m/model.onnx"), "model");
      let version: bigint | undefined;
      const source = new FileSystemSource({
        pollIntervalMs: 1000,
        clock: new FakeClock(),
        wallClock: later,
        listAgainWithinMs: 0,
        servables: [{ name: "m", basePath: join(root, "m"), versionPolicy: { kind: "latest", count: 1 } }],
        isModel: async () => true,
        report: () => undefined,
      });
      source.connect({ setAspiredVersions: (_name, [item]) => (version = item?.id.version) });
      let [digest, expected] = ["", 0n];
      for (const steps of rounds) {
        for (const [each, content] of steps) await take(each, content);
        await tick();
        const fingerprint = await takeFingerprint(join(root, "m"));
        if (fingerprint.digest !== digest) expected++;
        digest = fingerprint.digest;
        await source.poll();
        // The second look remembers, the third relies on that.
        await source.poll();
        await source.poll();
        expect(version).toBe(expected);
      }
    }),
    { numRuns: 25 },
  );
});
