import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { ServingError } from "../base/serving-error.ts";
import { type ZipMember, zip } from "../base/zip/test-zip.ts";
import type { Machine } from "./machine.ts";

/** What a fake client gives out, by what it is asked for: an archive, or what it says when it fails. */
export type Packages = ReadonlyMap<string, Buffer | { readonly fails: string }>;

/** What a library of the fakes consists of. */
export function fakeLibrary(version: string): string {
  return `TensorFlow ${version}`;
}

/** A wheel as TensorFlow's: two libraries among other things. */
export function fakeWheel(version: string, more: readonly ZipMember[] = []): Buffer {
  return zip([
    { name: "tensorflow/__init__.py", content: "raise SystemExit" },
    { name: "tensorflow/libtensorflow_cc.so.2", content: fakeLibrary(version) },
    { name: "tensorflow/libtensorflow_framework.so.2", content: "framework" },
    ...more,
  ]);
}

/** A jar as TensorFlow's. */
export function fakeJar(version: string): Buffer {
  const folder = "org/tensorflow/internal/c_api/linux-x86_64";
  return zip([
    { name: `${folder}/libtensorflow_cc.so.2`, content: fakeLibrary(version) },
    { name: `${folder}/libtensorflow_framework.so.2`, content: "framework" },
    { name: `${folder}/libjnitensorflow.so`, content: "for Java" },
  ]);
}

/** Answers as `python3 -m pip` and `python3 -c`; what it is called with goes to a file, a line each. */
const PYTHON = `
const { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } = require("node:fs");
const [folder, pipVersion, ...args] = process.argv.slice(2);
if (args[0] === "-c") {
  if (existsSync(folder + "/tensorflow-of-python")) process.stdout.write(readFileSync(folder + "/tensorflow-of-python"));
} else if (args.includes("--version")) {
  if (pipVersion === "") process.exit(1);
  console.log("pip " + pipVersion + " from somewhere (python 3.8)");
} else {
  appendFileSync(folder + "/calls", "pip " + args.slice(2).join(" ") + "\\n");
  const wanted = folder + "/" + args.at(-1);
  if (existsSync(wanted)) {
    console.log("  Downloading some.whl (1.5 kB)");
    writeFileSync(process.env.TMPDIR + "/part", "x".repeat(1000));
    const to = args[args.indexOf("-d") + 1];
    mkdirSync(to);
    copyFileSync(wanted, to + "/some-1.0-py3-none-any.whl");
  } else {
    console.error(existsSync(wanted + ".fails") ? readFileSync(wanted + ".fails", "utf8") : "ERROR: No matching distribution found");
    process.exit(1);
  }
}
`;

const MVN = `
const { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync } = require("node:fs");
const [folder, , ...args] = process.argv.slice(2);
if (args.includes("--version")) process.exit(0);
appendFileSync(folder + "/calls", "mvn " + args.join(" ") + "\\n");
const valueOf = (name) => args.find((each) => each.startsWith(name + "=")).slice(name.length + 1);
const wanted = folder + "/" + valueOf("-Dartifact");
if (existsSync(wanted)) {
  mkdirSync(valueOf("-DoutputDirectory"));
  copyFileSync(wanted, valueOf("-DoutputDirectory") + "/some.jar");
} else {
  console.log("[INFO] Scanning\\n[ERROR] " + readFileSync(wanted + ".fails", "utf8") + " -> [Help 1]\\n[ERROR] [Help 1] read something");
  process.exit(1);
}
`;

/** A machine with the clients that it is given, and nothing else on its `PATH`. */
export interface FakeMachine extends Machine {
  readonly cache: string;
  /** What its clients were called with, a line each. */
  calls(): string[];
  /** Changes what its clients give out. */
  offer(packages: Packages): void;
  /** Puts a TensorFlow into its Python: its version and the folder of the package. */
  installInPython(version: string, folder: string): void;
}

/** Clients of a fake machine. */
export interface FakeClients {
  /** Version of pip; default: none. */
  readonly pip?: string;
  /** Whether there is a Python; default: only with pip. */
  readonly python?: boolean;
  readonly maven?: boolean;
}

/**
 * A Linux machine in `folder`, whose package clients are scripts that give out `packages`. Its libraries are text files; loading one for which that
 * does not hold fails.
 */
export function fakeMachine(
  folder: string,
  { pip, python = pip !== undefined, maven = false }: FakeClients,
  packages: Packages,
): FakeMachine {
  const [bin, store, home] = ["bin", "store", "home"].map((name) => join(folder, name)) as [string, string, string];
  for (const each of [bin, store, home]) mkdirSync(each);
  const script = (name: string, text: string, ...args: string[]) => {
    writeFileSync(join(store, `${name}.cjs`), text);
    const words = [process.execPath, join(store, `${name}.cjs`), store, ...args].map((word) => `'${word}'`).join(" ");
    writeFileSync(join(bin, name), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  };
  if (python) script("python3", PYTHON, pip ?? "");
  if (maven) script("mvn", MVN, "");
  const offer = (offered: Packages) => {
    for (const [name, content] of offered) {
      if (Buffer.isBuffer(content)) writeFileSync(join(store, name), content);
      else writeFileSync(join(store, `${name}.fails`), content.fails);
    }
  };
  offer(packages);
  const cache = join(folder, "cache");
  return {
    platform: "linux",
    arch: "x64",
    musl: false,
    env: { PATH: bin, MODELPORT_CACHE_DIR: cache },
    home,
    clock: systemClock,
    libraryVersion: fakeLibraryVersion,
    cache,
    offer,
    calls: () => {
      try {
        return readFileSync(join(store, "calls"), "utf8").trim().split("\n");
      } catch {
        return [];
      }
    },
    installInPython: (version, package_) => writeFileSync(join(store, "tensorflow-of-python"), `${version} ${package_}\n`),
  };
}

async function fakeLibraryVersion(path: string): Promise<string> {
  const version = /^TensorFlow (\S+)$/.exec(await readFile(path, "utf8"))?.[1];
  if (version === undefined) throw new ServingError("failed-precondition", "that is no library");
  return version;
}
