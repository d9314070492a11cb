import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { deferred } from "../base/deferred.ts";
import { temporaryFolders } from "../base/test-folders.ts";
import { fakeLibrary, fakeMachine, fakeWheel } from "./fake-package-clients.ts";
import { installTensorFlow } from "./install-tensorflow.ts";
import { TensorFlowLibraries } from "./tensorflow-libraries.ts";

const newFolder = temporaryFolders();
const signal = new AbortController().signal;
const WHEELS = new Map(
  ["2.18.1", "2.17.0", "2.20.0"].map((version) => [`tensorflow-cpu==${version}`, fakeWheel(version)] as const),
);

const machineWithPip = () => fakeMachine(newFolder(), { pip: "23.2.1" }, WHEELS);

/** A folder like `tensorflow` in Python's site-packages. */
function packageFolder(version: string): string {
  const folder = join(newFolder(), "site-packages/tensorflow");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "libtensorflow_cc.so.2"), fakeLibrary(version));
  return folder;
}

test("takes the named library before the installed one, that before Python's, and installs last", async () => {
  const machine = machineWithPip();
  const locate = (library?: string) => new TensorFlowLibraries({ library, autoInstall: true }, machine).locate(signal);
  const python = packageFolder("2.16.1");

  expect(await locate()).toMatchObject({ origin: "cache", version: "2.18.1" });
  const bare = machineWithPip();
  bare.installInPython("2.16.1", python);
  const ofPython = await new TensorFlowLibraries({ autoInstall: true }, bare).locate(signal);
  expect(ofPython).toEqual({
    path: join(python, "libtensorflow_cc.so.2"),
    version: "2.16.1",
    origin: "python",
    bytes: fakeLibrary("2.16.1").length,
  });
  expect(bare.calls()).toEqual([]);
  machine.installInPython("2.16.1", python);
  expect(await locate()).toMatchObject({ origin: "cache", version: "2.18.1" });
  expect(await locate(packageFolder("2.19.0"))).toMatchObject({ origin: "flag", version: "2.19.0" });
});

test("uses the runtime that was asked for last", async () => {
  const machine = machineWithPip();
  const version = async () => (await new TensorFlowLibraries({ autoInstall: false }, machine).locate(signal)).version;
  await installTensorFlow({ version: "2.20.0", signal }, machine);
  await installTensorFlow({ version: "2.17.0", signal }, machine);
  expect(await version()).toBe("2.17.0");
  await installTensorFlow({ version: "2.20.0", signal }, machine);
  expect(await version()).toBe("2.20.0");
});

test("a named library is a file, or a folder that has it", async () => {
  const folder = packageFolder("2.18.1");
  const path = join(folder, "libtensorflow_cc.so.2");
  for (const library of [path, folder, join(folder, "..")]) {
    const found = await new TensorFlowLibraries({ library, autoInstall: false }, machineWithPip()).locate(signal);
    expect(found).toMatchObject({ path, origin: "flag", version: "2.18.1" });
  }
});

test.each([
  [
    "is not there",
    () => "/nowhere/at/all",
    '--tensorflow_library names "all", which is no file and has no libtensorflow_cc.so.2 in it',
  ],
  ["is too old", () => packageFolder("2.9.0"), "--tensorflow_library names TensorFlow 2.9.0; 2.12 or later is needed"],
])("a named library that %s is refused, whatever else there is", async (_, library, message) => {
  const machine = machineWithPip();
  await installTensorFlow({ signal }, machine);
  await expect(new TensorFlowLibraries({ library: library(), autoInstall: true }, machine).locate(signal)).rejects.toThrow(
    message,
  );
});

test.each([
  ["is too old", "2.11.0", () => packageFolder("2.11.0")],
  ["has no such library", "2.18.1", () => join(packageFolder("2.18.1"), "..")],
])("a TensorFlow of Python's that %s is passed over", async (_, version, folder) => {
  const machine = machineWithPip();
  machine.installInPython(version, folder());
  expect(await new TensorFlowLibraries({ autoInstall: true }, machine).locate(signal)).toMatchObject({ origin: "cache" });
});

test("installs nothing by itself when that is turned off, and says what to do", async () => {
  const machine = machineWithPip();
  await expect(new TensorFlowLibraries({ autoInstall: false }, machine).locate(signal)).rejects.toMatchObject({
    code: "failed-precondition",
    message:
      "TensorFlow's library is not installed; install it with `modelport runtime install tensorflow`, or name one with --tensorflow_library",
  });
  expect(machine.calls()).toEqual([]);
});

test("calls at the same time share one install, and later ones what it found", async () => {
  const machine = machineWithPip();
  const libraries = new TensorFlowLibraries({ autoInstall: true }, machine);
  const found = await Promise.all([libraries.locate(signal), libraries.locate(signal), libraries.locate(signal)]);
  expect(new Set(found).size).toBe(1);
  expect(await libraries.locate(signal)).toBe(found[0]);
  expect(machine.calls()).toHaveLength(1);
});

test("a failure is not remembered", async () => {
  const machine = fakeMachine(newFolder(), { pip: "23.2.1" }, new Map());
  const libraries = new TensorFlowLibraries({ autoInstall: true }, machine);
  await expect(libraries.locate(signal)).rejects.toMatchObject({ code: "unavailable" });
  machine.offer(WHEELS);
  expect(await libraries.locate(signal)).toMatchObject({ version: "2.18.1" });
});

test("an abort ends the wait of one call, and the search with the last of them", async () => {
  const started = deferred<void>();
  const machine = machineWithPip();
  const ended = deferred<unknown>();
  const libraryVersion = (_path: string, _env: NodeJS.ProcessEnv, own: AbortSignal) => {
    own.addEventListener("abort", () => ended.resolve(own.reason));
    started.resolve();
    return new Promise<string>((_, reject) => own.addEventListener("abort", () => reject(own.reason)));
  };
  const libraries = new TensorFlowLibraries({ autoInstall: true }, { ...machine, libraryVersion });
  const [first, second] = [new AbortController(), new AbortController()];
  const calls = [libraries.locate(first.signal), libraries.locate(second.signal)] as const;
  await started.promise;
  first.abort();
  await expect(calls[0]).rejects.toMatchObject({ code: "cancelled" });
  expect(await Promise.race([ended.promise, Promise.resolve("goes on")])).toBe("goes on");
  second.abort();
  await expect(calls[1]).rejects.toMatchObject({ code: "cancelled" });
  await ended.promise;
  const third = new AbortController();
  const again = libraries.locate(third.signal);
  third.abort();
  await expect(again).rejects.toMatchObject({ code: "cancelled" });
});
