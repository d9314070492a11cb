import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { deferred } from "../base/deferred.ts";
import { ServingError } from "../base/serving-error.ts";
import { temporaryFolders } from "../base/test-folders.ts";
import { zip } from "../base/zip/test-zip.ts";
import { type FakeClients, fakeJar, fakeLibrary, fakeMachine, fakeWheel, type Packages } from "./fake-package-clients.ts";
import { installTensorFlow } from "./install-tensorflow.ts";
import type { Machine } from "./machine.ts";
import type { InstallProgress } from "./progress.ts";

const newFolder = temporaryFolders();
const signal = new AbortController().signal;

const WHEEL = "tensorflow-cpu==2.18.1";
const JAR = "org.tensorflow:tensorflow-core-native:1.1.0:jar:linux-x86_64";

const machineWith = (clients: FakeClients, ...packages: [string, Buffer | { fails: string }][]) =>
  fakeMachine(newFolder(), clients, new Map(packages));

const runtimesOf = ({ cache }: { cache: string }) => readdirSync(join(cache, "runtimes")).filter((name) => name !== ".staging");

test("pip's wheel leaves only the shared libraries and what they are", async () => {
  const machine = machineWith({ pip: "23.2.1" }, [WHEEL, fakeWheel("2.18.1")]);
  const phases: InstallProgress[] = [];
  const result = await installTensorFlow({ signal, progress: (progress) => void phases.push(progress) }, machine);

  const folder = join(machine.cache, "runtimes/tensorflow-2.18.1-linux-x64");
  expect(result).toMatchObject({ version: "2.18.1", gpu: false, wasThere: false, source: "pip tensorflow-cpu==2.18.1", folder });
  expect(readFileSync(result.library, "utf8")).toBe(fakeLibrary("2.18.1"));
  expect(readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()).toEqual([
    "runtime.json",
    "tensorflow",
    "tensorflow/libtensorflow_cc.so.2",
    "tensorflow/libtensorflow_framework.so.2",
  ]);
  expect(JSON.parse(readFileSync(join(folder, "runtime.json"), "utf8"))).toMatchObject({
    name: "tensorflow",
    version: "2.18.1",
    source: "pip tensorflow-cpu==2.18.1",
    bytes: fakeLibrary("2.18.1").length + "framework".length,
    files: ["tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2"],
  });
  expect([...new Set(phases.map(({ phase }) => phase))]).toEqual(["downloading", "unpacking", "checking"]);
  expect(phases[0]).toMatchObject({ what: "tensorflow-cpu 2.18.1", expectedBytes: 230_236_181 });
  expect(readdirSync(join(machine.cache, "runtimes/.staging"))).toEqual([]);
});

test("pip is asked for a package by its name and version, for any Python", async () => {
  const machine = machineWith({ pip: "25.1" }, ["tensorflow-cpu==2.20.0", fakeWheel("2.20.0")]);
  await installTensorFlow({ version: "2.20.0", signal }, machine);
  const [call] = machine.calls();
  expect(call).toMatch(/^pip download --no-deps --only-binary=:all: .*--python-version 3\.11 --implementation cp --abi cp311 /);
  expect(call).toContain("--platform manylinux2014_x86_64");
  expect(call).toContain("--resume-retries 5");
  expect(call).toMatch(/ tensorflow-cpu==2\.20\.0$/);
  expect(call).not.toMatch(/https?:|index-url/);
});

test("a pip before 25.1 is not asked to resume", async () => {
  const machine = machineWith({ pip: "25.0.1" }, [WHEEL, fakeWheel("2.18.1")]);
  await installTensorFlow({ signal }, machine);
  expect(machine.calls()[0]).not.toContain("--resume-retries");
});

test("Maven does where there is no pip", async () => {
  const machine = machineWith({ maven: true }, [JAR, fakeJar("2.18.0")]);
  const result = await installTensorFlow({ signal }, machine);
  expect(result).toMatchObject({ version: "2.18.0", source: `Maven ${JAR}` });
  expect(result.files).toEqual(["tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2"]);
  expect(machine.calls()[0]).toContain("--strict-checksums");
});

const BROKEN: readonly [string, Buffer | { fails: string }][] = [
  ["that fails", { fails: "ERROR: no space" }],
  ["that gives out half an archive", fakeWheel("2.18.1").subarray(0, 300)],
  ["that gives out something else", zip([{ name: "tensorflow/__init__.py", content: "" }])],
  ["that gives out another version", fakeWheel("2.17.0")],
  ["that gives out an archive with a file outside", fakeWheel("2.18.1", [{ name: "tensorflow/../../evil", content: "" }])],
];

test.each(BROKEN)("a pip %s is followed by Maven", async (_, wheel) => {
  const machine = machineWith({ pip: "23.2.1", maven: true }, [WHEEL, wheel], [JAR, fakeJar("2.18.0")]);
  expect(await installTensorFlow({ signal }, machine)).toMatchObject({ version: "2.18.0" });
  expect(machine.calls()).toHaveLength(2);
});

test.each(BROKEN)("a pip %s installs nothing by itself, and is asked again the next time", async (_, wheel) => {
  const machine = machineWith({ pip: "23.2.1" }, [WHEEL, wheel]);
  await expect(installTensorFlow({ signal }, machine)).rejects.toMatchObject({ code: "unavailable" });
  expect(runtimesOf(machine)).toEqual([]);
  expect(readdirSync(machine.cache, { recursive: true }).filter((name) => String(name).includes("libtensorflow"))).toEqual([]);
  machine.offer(new Map([[WHEEL, fakeWheel("2.18.1")]]));
  expect(await installTensorFlow({ signal }, machine)).toMatchObject({ version: "2.18.1", wasThere: false });
});

interface Refusal {
  readonly clients: FakeClients;
  readonly packages?: Packages;
  readonly options?: { readonly version?: string; readonly gpu?: boolean };
  readonly machine?: Partial<Machine>;
  readonly code: string;
  readonly message: string;
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
  "there is no client": {
    clients: {},
    code: "failed-precondition",
    message:
      "TensorFlow 2.18.1 cannot be installed: that takes pip (which comes with Python) or Maven, and neither is here; install one, or name a library with --tensorflow_library",
  },
  "Python has no pip": { clients: { python: true }, code: "failed-precondition", message: "neither is here" },
  "only Maven is there and has not this version": {
    clients: { maven: true },
    options: { version: "2.20.0" },
    code: "failed-precondition",
    message: "and it is not here; install one (Maven would do for 2.18.0 and 2.16.2, without --gpu)",
  },
  "every client fails": {
    clients: { pip: "23.2.1", maven: true },
    packages: new Map([
      [
        WHEEL,
        {
          fails:
            "WARNING: Retrying (Retry(total=4)) after host='index.example'\nERROR: No matching distribution for https://a.b/c",
        },
      ],
      [
        JAR,
        {
          fails:
            "Failed to execute goal org.apache:plugin:1.0:copy (default-cli) on project standalone-pom: Could not find it in /home/u/.m2/repository/x.jar",
        },
      ],
    ]),
    code: "unavailable",
    message:
      "TensorFlow 2.18.1 could not be installed (pip: the connection failed; No matching distribution for (address); Maven: Could not find it in x.jar); try again",
  },
  "the version is none": {
    clients: {},
    options: { version: "latest" },
    code: "invalid-argument",
    message: '"latest" is no version',
  },
  "the version is too old": { clients: {}, options: { version: "2.11.1" }, code: "invalid-argument", message: "2.12 or later" },
  "the system has no glibc": {
    clients: {},
    machine: { musl: true },
    code: "failed-precondition",
    message: "linux-x64 without glibc",
  },
  "the system has no build": {
    clients: {},
    machine: { platform: "win32" },
    code: "failed-precondition",
    message: "TensorFlow has no build for win32-x64; if you have one, name it with --tensorflow_library",
  },
  "the system has no build for GPUs": {
    clients: {},
    machine: { arch: "arm64" },
    options: { gpu: true },
    code: "failed-precondition",
    message: "TensorFlow for GPUs has no build for linux-arm64",
  },
};

test.each(Object.entries(REFUSALS))(
  "says what to do when %s",
  async (_, { clients, packages, options, machine, code, message }) => {
    const fake = { ...fakeMachine(newFolder(), clients, packages ?? new Map()), ...machine };
    await expect(installTensorFlow({ ...options, signal }, fake)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  },
);

test("a library that cannot be loaded here is not installed, and its archive is kept for the next try", async () => {
  const machine = machineWith({ pip: "23.2.1", maven: true }, [WHEEL, fakeWheel("2.18.1")]);
  const libraryVersion = async () => Promise.reject(new ServingError("failed-precondition", "ends with SIGILL"));
  await expect(installTensorFlow({ signal }, { ...machine, libraryVersion })).rejects.toThrow("ends with SIGILL");
  expect(runtimesOf(machine)).toEqual([]);
  expect(await installTensorFlow({ signal }, machine)).toMatchObject({ version: "2.18.1" });
  expect(machine.calls()).toHaveLength(1);
});

test("an interrupted install goes on from its archive, and unpacks anew", async () => {
  const machine = machineWith({ pip: "23.2.1" }, [WHEEL, fakeWheel("2.18.1")]);
  const stop = new AbortController();
  const progress = ({ phase }: InstallProgress) => {
    if (phase === "unpacking") stop.abort(new ServingError("cancelled", "interrupted"));
  };
  await expect(installTensorFlow({ signal: stop.signal, progress }, machine)).rejects.toThrow("interrupted");
  const staging = join(machine.cache, "runtimes/.staging/tensorflow-2.18.1-linux-x64");
  expect(readdirSync(staging)).toEqual(["archives"]);
  // As a process that was killed leaves it.
  await mkdir(join(staging, "unpacked/tensorflow"), { recursive: true });
  writeFileSync(join(staging, "unpacked/tensorflow/libtensorflow_cc.so.2"), "half");
  writeFileSync(join(staging, "unpacked/tensorflow/leftover.so"), "");
  const { library, folder } = await installTensorFlow({ signal }, machine);
  expect(readFileSync(library, "utf8")).toBe(fakeLibrary("2.18.1"));
  expect(existsSync(join(folder, "tensorflow/leftover.so"))).toBe(false);
  expect(machine.calls()).toHaveLength(1);
});

test("an abort ends the client, and what it had of a download", async () => {
  const machine = machineWith({ pip: "23.2.1" });
  const started = deferred<void>();
  const stop = new AbortController();
  writeFileSync(
    join(machine.env.PATH!, "python3"),
    '#!/bin/sh\ncase "$3" in --version) echo pip 23.2.1 ;; *) exec /bin/sleep 600 ;; esac\n',
  );
  const install = installTensorFlow({ signal: stop.signal, progress: () => started.resolve() }, machine);
  await started.promise;
  stop.abort();
  await expect(install).rejects.toMatchObject({ code: "cancelled" });
  expect(existsSync(join(machine.cache, "runtimes/.staging/tensorflow-2.18.1-linux-x64/pip"))).toBe(false);
});

test("of two installs at once one works and the other finds it done", async () => {
  const machine = machineWith({ pip: "23.2.1" }, [WHEEL, fakeWheel("2.18.1")]);
  const results = await Promise.all([installTensorFlow({ signal }, machine), installTensorFlow({ signal }, machine)]);
  expect(results.filter(({ wasThere }) => wasThere)).toHaveLength(1);
  expect(machine.calls()).toHaveLength(1);
});

test("what is installed is left alone, and needs no client", async () => {
  const folder = newFolder();
  const first = await installTensorFlow(
    { signal },
    fakeMachine(folder, { pip: "23.2.1" }, new Map([[WHEEL, fakeWheel("2.18.1")]])),
  );
  const bare = { ...fakeMachine(newFolder(), {}, new Map()), env: { PATH: "", MODELPORT_CACHE_DIR: join(folder, "cache") } };
  expect(await installTensorFlow({ signal }, bare)).toMatchObject({ wasThere: true, library: first.library });
  expect(await installTensorFlow({ version: "2.18.1", signal }, bare)).toMatchObject({ wasThere: true });
  await expect(installTensorFlow({ version: "2.18.0", signal }, bare)).rejects.toMatchObject({ code: "failed-precondition" });
});

test("the build for GPUs is laid out with CUDA's libraries where it looks for them", async () => {
  const metadata = [
    "Metadata-Version: 2.1",
    "Requires-Dist: numpy <2.1.0,>=1.26.0",
    "Requires-Dist: nvidia-cudnn-cu12 ==9.3.0.75 ; extra == 'and-cuda'",
    "Requires-Dist: nvidia-nccl-cu12 (==2.21.5) ; extra == 'and-cuda'",
    "",
    "Requires-Dist: nvidia-in-the-text ==1 ; extra == 'and-cuda'",
  ].join("\n");
  const cudnn = zip([
    { name: "nvidia/__init__.py", content: "" },
    { name: "nvidia/cudnn/include/cudnn.h", content: "" },
    { name: "nvidia/cudnn/lib/libcudnn.so.9", content: "cudnn" },
  ]);
  const machine = machineWith(
    { pip: "23.2.1", maven: true },
    ["tensorflow==2.18.1", fakeWheel("2.18.1", [{ name: "tensorflow-2.18.1.dist-info/METADATA", content: metadata }])],
    ["nvidia-cudnn-cu12==9.3.0.75", cudnn],
  );
  await expect(installTensorFlow({ gpu: true, signal }, machine)).rejects.toThrow("pip: No matching distribution found");
  machine.offer(new Map([["nvidia-nccl-cu12==2.21.5", zip([{ name: "nvidia/nccl/lib/libnccl.so.2", content: "nccl" }])]]));
  const { library, folder, files } = await installTensorFlow({ gpu: true, signal }, machine);
  expect(folder).toBe(join(machine.cache, "runtimes/tensorflow-2.18.1-linux-x64-gpu"));
  expect(files).toEqual([
    "nvidia/cudnn/lib/libcudnn.so.9",
    "nvidia/nccl/lib/libnccl.so.2",
    "tensorflow/libtensorflow_cc.so.2",
    "tensorflow/libtensorflow_framework.so.2",
  ]);
  expect(readFileSync(join(library, "../../nvidia/cudnn/lib/libcudnn.so.9"), "utf8")).toBe("cudnn");
  expect(machine.calls().map((call) => call.split(" ").at(-1))).toEqual([
    "tensorflow==2.18.1",
    "nvidia-cudnn-cu12==9.3.0.75",
    "nvidia-nccl-cu12==2.21.5",
    "nvidia-nccl-cu12==2.21.5",
  ]);
});

test("a cache that cannot be written is said to be that", async () => {
  const file = join(newFolder(), "file");
  writeFileSync(file, "");
  const machine = machineWith({ pip: "23.2.1" }, [WHEEL, fakeWheel("2.18.1")]);
  const install = installTensorFlow({ signal }, { ...machine, env: { ...machine.env, MODELPORT_CACHE_DIR: file } });
  await expect(install).rejects.toThrow("the cache folder cannot be written (ENOTDIR); MODELPORT_CACHE_DIR can name another");
});
