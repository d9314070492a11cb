import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { deferred } from "../base/deferred.ts";
import { FakeClock } from "../base/fake-clock.ts";
import type { ServableData } from "../core/servable-data.ts";
import { FileSystemSource, type FileSystemSourceOptions, type StoragePath } from "./file-system-source.ts";
import type { MonitoredServable } from "./servable-scan.ts";
import type { VersionPolicy } from "./version-policy.ts";

/** Milliseconds by which the wall clock is ahead of the files. */
export const OLD_ENOUGH = 60_000;
/** A folder of its own for each test. */
export let root: string;
let sources: FileSystemSource[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "file-system-source-"));
  sources = [];
});

afterEach(async () => {
  await Promise.all(sources.map((source) => source.stop()));
  await rm(root, { recursive: true });
});

/** A source over one model `m` at `root/m`, with what it emitted and reported. */
export function watch(policy: VersionPolicy = { kind: "latest", count: 1 }, more: Partial<FileSystemSourceOptions> = {}) {
  const clock = new FakeClock();
  const wall = { ahead: OLD_ENOUGH };
  const lists = new Map<string, readonly ServableData<StoragePath>[]>();
  const warnings: string[] = [];
  let next = deferred<void>();
  const servable: MonitoredServable = { name: "m", basePath: join(root, "m"), versionPolicy: policy };
  const source = new FileSystemSource({
    pollIntervalMs: 1000,
    servables: [servable],
    clock,
    wallClock: () => Date.now() + wall.ahead,
    // Folders look a minute old at once, but the next change may come within the same tick of the file system's clock.
    listAgainWithinMs: OLD_ENOUGH + 2000,
    isModel: async (path) => existsSync(join(path, "model.bin")),
    report: (event, { servable: name }) => warnings.push(`${name}: ${event}`),
    ...more,
  });
  source.connect({
    setAspiredVersions(name, list) {
      lists.set(name, list);
      next.resolve();
      next = deferred();
    },
  });
  sources.push(source);
  return {
    source,
    servable,
    clock,
    wall,
    warnings,
    emitted: () => next.promise,
    versions: (name = "m") => lists.get(name)?.map(({ id }) => id.version),
    paths: () => lists.get("m")?.map((item) => (item.error ? "error" : item.data.path.slice(root.length + 1))),
  };
}

/** Writes a file below {@link root}, with the folders that lead to it. */
export async function put(path: string, content = "model"): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}
