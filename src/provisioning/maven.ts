import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { folderBytes } from "./folder-bytes.ts";
import type { Machine } from "./machine.ts";
import { clientFailure, type DownloadProgress, type PackageClient } from "./package-client.ts";
import { whileMeasuring } from "./progress.ts";
import { withoutPlaces } from "./reason.ts";
import { type CommandOutcome, runCommand } from "./run-command.ts";
import type { PackageSource } from "./tensorflow-packages.ts";

const COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy";

/** The Maven of the machine; undefined when there is none. */
export async function findMaven(machine: Machine, signal: AbortSignal): Promise<PackageClient | undefined> {
  const { code } = await runCommand(["mvn", "--version"], { env: machine.env, signal });
  return code === 0 ? new Maven(machine) : undefined;
}

class Maven implements PackageClient {
  readonly name = "Maven";
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  async download(source: PackageSource, folder: string, signal: AbortSignal, progress: DownloadProgress): Promise<string> {
    const { clock, env, home } = this.#machine;
    // A repository of its own, kept after a failure: Maven goes on with what is half there. The user's own is read too, from Maven 3.9 on.
    const repository = join(folder, "repository");
    const jars = join(folder, "jars");
    const temporary = join(folder, "temporary");
    await Promise.all([jars, temporary].map((each) => rm(each, { recursive: true, force: true })));
    await Promise.all([repository, temporary].map((each) => mkdir(each, { recursive: true })));
    const command = [
      "mvn",
      "--batch-mode",
      "--strict-checksums",
      "-Dstyle.color=never",
      `-Djava.io.tmpdir=${temporary}`,
      `-Dmaven.repo.local=${repository}`,
      `-Dmaven.repo.local.tail=${join(home, ".m2/repository")}`,
      COPY,
      `-Dartifact=${source.coordinates}`,
      `-DoutputDirectory=${jars}`,
    ];
    const running = runCommand(command, { env: { ...env, TMPDIR: temporary }, cwd: folder, signal });
    const outcome = await whileMeasuring(clock, () => folderBytes(repository), progress, running);
    const [jar] = outcome.code === 0 ? await readdir(jars) : [];
    if (jar === undefined) throw clientFailure("Maven", reasonOf(outcome));
    return join(jars, jar);
  }
}

/** Maven's first error is the cause; what follows is advice. */
function reasonOf({ code, killedBy, stdout, stderr }: CommandOutcome): string {
  const lines = `${stdout}\n${stderr}`.split("\n").filter((line) => line.trim() !== "");
  const error = lines.find((line) => line.startsWith("[ERROR]")) ?? lines.at(-1) ?? "";
  const cause = error.replace(/^\[ERROR\] /, "").replace(/^Failed to execute goal \S+ \([^)]*\) on project [^:]+: /, "");
  return withoutPlaces(cause.replace(/ -> \[Help \d+\]$/, "")) || `it ended with ${killedBy ?? `exit code ${code}`}`;
}
