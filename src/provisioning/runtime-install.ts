import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ServingError } from "../base/serving-error.ts";
import { ZipArchive } from "../base/zip/zip-archive.ts";
import { cudaRequirements, type KeepFile, keepOfCuda, keepOfJar, keepOfWheel, libraryName } from "./archive-layout.ts";
import {
  type InstalledRuntime,
  isThere,
  type RuntimeInCache,
  runtimeName,
  runtimesFolder,
  writeManifest,
} from "./installed-runtimes.ts";
import type { Machine } from "./machine.ts";
import type { PackageClient } from "./package-client.ts";
import { atIntervals, type ReportProgress } from "./progress.ts";
import { companionSource, type PackageSource } from "./tensorflow-packages.ts";

/** An archive on the disk, and what of it is wanted. */
interface Archive {
  readonly path: string;
  readonly label: string;
  readonly keep: KeepFile;
}

type Unpacked = Pick<InstalledRuntime, "files" | "bytes">;

/** One install of TensorFlow, alone in its staging folder, from one source after the other until one will do. */
export class RuntimeInstall {
  readonly #machine: Machine;
  readonly #staging: string;
  readonly #gpu: boolean;
  readonly #signal: AbortSignal;
  readonly #progress: ReportProgress;

  constructor(machine: Machine, staging: string, gpu: boolean, signal: AbortSignal, progress: ReportProgress) {
    this.#machine = machine;
    this.#staging = staging;
    this.#gpu = gpu;
    this.#signal = signal;
    this.#progress = progress;
  }

  /**
   * Downloads, unpacks, tries and publishes what a source has; archives that are whole stay in the staging folder when a later step fails.
   * Rejects with a ServingError: unavailable or data-loss when another source may do better, else failed-precondition.
   */
  async from(client: PackageClient, source: PackageSource): Promise<RuntimeInCache> {
    const unpacked = join(this.#staging, "unpacked");
    await rm(unpacked, { recursive: true, force: true });
    try {
      const archives = await this.#archives(client, source);
      const content = await this.#unpack(archives, unpacked);
      try {
        await this.#check(source, unpacked, content);
      } catch (reason) {
        // Not what it says it is: the next one may come from an index that has been put right.
        if (reason instanceof ServingError && reason.code === "data-loss") await remove(archives);
        throw reason;
      }
      return await this.#publish(source, unpacked, content);
    } finally {
      await rm(unpacked, { recursive: true, force: true });
    }
  }

  async #archives(client: PackageClient, source: PackageSource): Promise<Archive[]> {
    const main = await this.#archive(client, source, source.client === "pip" ? keepOfWheel : keepOfJar);
    if (!this.#gpu) return [main];
    const archives = [main];
    for (const requirement of cudaRequirements(await this.#metadata(main.path))) {
      archives.push(await this.#archive(client, companionSource(source, requirement), keepOfCuda));
    }
    return archives;
  }

  async #metadata(wheel: string): Promise<string> {
    const archive = await open(wheel);
    const entry = archive.entries.find(({ name }) => /^[^/]+\.dist-info\/METADATA$/.test(name));
    return entry === undefined ? "" : (await archive.read(entry, this.#signal)).toString();
  }

  /** The archive of a source; one that was downloaded before is taken as it is. */
  async #archive(client: PackageClient, source: PackageSource, keep: KeepFile): Promise<Archive> {
    const { label } = source;
    const path = join(this.#staging, "archives", label.replaceAll(" ", "-") + (source.client === "pip" ? ".whl" : ".jar"));
    if (await isThere(path)) return { path, label, keep };
    const report = (bytes: number, announced?: number) => {
      const expectedBytes = source.bytes ?? announced;
      // A client has some bytes twice for a moment.
      if (expectedBytes === undefined) this.#progress({ phase: "downloading", what: label, bytes });
      else this.#progress({ phase: "downloading", what: label, bytes: Math.min(bytes, expectedBytes), expectedBytes });
    };
    const folder = join(this.#staging, client.name.toLowerCase());
    const downloaded = await client.download(source, folder, this.#signal, report);
    await mkdir(dirname(path), { recursive: true });
    await rename(downloaded, path);
    await rm(folder, { recursive: true, force: true });
    return { path, label, keep };
  }

  async #unpack(archives: readonly Archive[], target: string): Promise<Unpacked> {
    const files: string[] = [];
    let bytes = 0;
    for (const archive of archives) {
      const content = await this.#unpackOne(archive, target);
      files.push(...content.files);
      bytes += content.bytes;
    }
    return { files: files.sort(), bytes };
  }

  async #unpackOne({ path, label, keep }: Archive, target: string): Promise<Unpacked> {
    const archive = await open(path);
    const wanted = archive.entries.flatMap((entry) => {
      const name = entry.name.endsWith("/") ? undefined : keep(entry.name);
      return name === undefined ? [] : [{ entry, name }];
    });
    const expectedBytes = wanted.reduce((sum, { entry }) => sum + entry.size, 0);
    let bytes = 0;
    const report = () => this.#progress({ phase: "unpacking", what: label, bytes, expectedBytes });
    const reportAtTimes = atIntervals(this.#machine.clock, report);
    try {
      for (const { entry, name } of wanted) {
        const file = join(target, name);
        await mkdir(dirname(file), { recursive: true });
        await archive.extract(entry, file, this.#signal, (more) => {
          bytes += more;
          reportAtTimes();
        });
      }
    } catch (reason) {
      await removeDamaged(path, reason);
    }
    report();
    return { files: wanted.map(({ name }) => name), bytes };
  }

  /** Loads the library on trial. */
  async #check({ label, version }: PackageSource, folder: string, { files }: Unpacked): Promise<void> {
    const name = libraryName(this.#machine);
    if (!files.includes(`tensorflow/${name}`)) {
      throw new ServingError("data-loss", `${label} has no ${name}, which TensorFlow ${version} should come with`);
    }
    this.#progress({ phase: "checking", what: label, bytes: 0 });
    const loaded = await this.#machine.libraryVersion(join(folder, "tensorflow", name), this.#machine.env, this.#signal);
    if (loaded !== version)
      throw new ServingError("data-loss", `${label} should have TensorFlow ${version} in it and has ${loaded}`);
  }

  async #publish(source: PackageSource, unpacked: string, content: Unpacked): Promise<RuntimeInCache> {
    const { client, coordinates, version } = source;
    const gpu = this.#gpu;
    const runtime = { version, gpu, source: `${client} ${coordinates}`, ...content, chosen: new Date().toISOString() };
    await writeManifest(unpacked, runtime);
    const folder = join(runtimesFolder(this.#machine), runtimeName(this.#machine, version, gpu));
    await rm(folder, { recursive: true, force: true });
    await rename(unpacked, folder);
    await rm(this.#staging, { recursive: true, force: true });
    return { ...runtime, folder, library: join(folder, "tensorflow", libraryName(this.#machine)) };
  }
}

async function open(path: string): Promise<ZipArchive> {
  return await ZipArchive.open(path).catch((reason: unknown) => removeDamaged(path, reason));
}

/** An archive that is damaged is of no use to the next try. */
async function removeDamaged(path: string, reason: unknown): Promise<never> {
  if (reason instanceof ServingError && reason.code === "data-loss") await rm(path, { force: true });
  throw reason;
}

async function remove(archives: readonly Archive[]): Promise<void> {
  await Promise.all(archives.map(({ path }) => rm(path, { force: true })));
}
