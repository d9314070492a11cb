import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { folderBytes } from "./folder-bytes.ts";
import type { Machine } from "./machine.ts";
import { clientFailure, type DownloadProgress, type PackageClient } from "./package-client.ts";
import { whileMeasuring } from "./progress.ts";
import { withoutPlaces } from "./reason.ts";
import { type CommandOutcome, runCommand } from "./run-command.ts";
import type { PackageSource } from "./tensorflow-packages.ts";

/** Ways to call pip, the one that surely belongs to a Python first. */
const COMMANDS = [["python3", "-m", "pip"], ["python", "-m", "pip"], ["pip3"], ["pip"]] as const;

/** The Python whose wheels are asked for: every TensorFlow from 2.12 on has some. The libraries in them need no Python. */
const PYTHON_VERSION = "3.11";
const PYTHON_ABI = "cp311";

const UNITS: Readonly<Record<string, number>> = { bytes: 1, kB: 1e3, MB: 1e6, GB: 1e9 };

/** The pip of the machine; undefined when there is none. */
export async function findPip(machine: Machine, signal: AbortSignal): Promise<PackageClient | undefined> {
  for (const command of COMMANDS) {
    const { code, stdout } = await runCommand([...command, "--version"], { env: machine.env, signal });
    const version = /^pip (\d+)\.(\d+)/.exec(stdout);
    if (code === 0 && version !== null) return new Pip(machine, command, Number(version[1]), Number(version[2]));
  }
  return undefined;
}

class Pip implements PackageClient {
  readonly name = "pip";
  readonly #machine: Machine;
  readonly #command: readonly string[];
  /** From 25.1 on pip goes on with a download whose connection was lost. */
  readonly #resumes: boolean;

  constructor(machine: Machine, command: readonly string[], major: number, minor: number) {
    this.#machine = machine;
    this.#command = command;
    this.#resumes = major > 25 || (major === 25 && minor >= 1);
  }

  async download(source: PackageSource, folder: string, signal: AbortSignal, progress: DownloadProgress): Promise<string> {
    const { clock, env } = this.#machine;
    const temporary = join(folder, "temporary");
    const wheels = join(folder, "wheels");
    await rm(folder, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true });
    try {
      let expectedBytes: number | undefined;
      const running = runCommand([...this.#command, ...this.#arguments(source, wheels)], {
        env: { ...env, TMPDIR: temporary, PYTHONUNBUFFERED: "1", PIP_NO_INPUT: "1", PIP_REQUIRE_VIRTUALENV: "0" },
        cwd: folder,
        signal,
        output: (text) => {
          expectedBytes = announcedBytes(text) ?? expectedBytes;
        },
      });
      const report = (bytes: number) => progress(bytes, expectedBytes);
      const outcome = await whileMeasuring(clock, () => folderBytes(temporary), report, running);
      const [wheel] = outcome.code === 0 ? await readdir(wheels) : [];
      if (wheel === undefined) throw clientFailure("pip", reasonOf(outcome));
      return join(wheels, wheel);
    } catch (reason) {
      // pip names the parts of a download at random and takes none of them up again.
      await rm(folder, { recursive: true, force: true });
      throw reason;
    }
  }

  #arguments({ coordinates, platforms }: PackageSource, wheels: string): string[] {
    const wanted = `download --no-deps --only-binary=:all: --python-version ${PYTHON_VERSION} --implementation cp --abi ${PYTHON_ABI}`;
    const manner = "--no-cache-dir --progress-bar off --disable-pip-version-check";
    return [
      ...wanted.split(" "),
      ...platforms.flatMap((platform) => ["--platform", platform]),
      ...manner.split(" "),
      ...(this.#resumes ? ["--resume-retries", "5"] : []),
      "-d",
      wheels,
      coordinates,
    ];
  }
}

/** The size in `Downloading tensorflow_cpu-2.18.1-...whl (230.2 MB)`. */
function announcedBytes(text: string): number | undefined {
  const match = /Downloading \S+ \((\d+(?:\.\d+)?) (bytes|kB|MB|GB)\)/.exec(text);
  return match === null ? undefined : Number(match[1]) * UNITS[match[2]!]!;
}

/** pip's last error; one about a package that is not there may only mean that pip reached nobody, which it says as a warning before. */
function reasonOf({ code, killedBy, stderr, stdout }: CommandOutcome): string {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  const error = lines.findLast((line) => line.startsWith("ERROR:"))?.slice("ERROR:".length);
  const connection = lines.some((line) => line.startsWith("WARNING: Retrying")) ? "the connection failed; " : "";
  const last = error ?? lines.at(-1) ?? stdout.trim().split("\n").at(-1);
  return connection + (withoutPlaces(last ?? "") || `it ended with ${killedBy ?? `exit code ${code}`}`);
}
