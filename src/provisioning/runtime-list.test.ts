import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolders } from "../base/test-folders.ts";
import { fakeMachine, fakeWheel } from "./fake-package-clients.ts";
import { installTensorFlow } from "./install-tensorflow.ts";
import { listRuntimes, removeTensorFlow } from "./runtime-list.ts";

const newFolder = temporaryFolders();
const signal = new AbortController().signal;
const WHEELS = new Map(["2.18.1", "2.20.0"].map((version) => [`tensorflow-cpu==${version}`, fakeWheel(version)] as const));

const newMachine = () => fakeMachine(newFolder(), { pip: "23.2.1" }, WHEELS);

test("lists what comes with npm, what is in the cache and what Python has, and which is used", async () => {
  const machine = newMachine();
  const python = newFolder();
  writeFileSync(join(python, "libtensorflow_cc.so.2"), "12345");
  machine.installInPython("2.16.1", python);
  const ofPython = { name: "tensorflow", version: "2.16.1", source: "installed in Python", gpu: false, bytes: 5 };
  const tensorflow = async () => (await listRuntimes(signal, machine)).filter(({ name }) => name === "tensorflow");
  expect(await tensorflow()).toEqual([{ ...ofPython, used: true }]);
  await installTensorFlow({ signal }, machine);
  await installTensorFlow({ version: "2.20.0", signal }, machine);
  expect(await tensorflow()).toMatchObject([
    { version: "2.20.0", source: "pip tensorflow-cpu==2.20.0", used: true },
    { version: "2.18.1", source: "pip tensorflow-cpu==2.18.1", used: false },
    { ...ofPython, used: false },
  ]);
  const onnx = (await listRuntimes(signal, { ...machine, platform: process.platform, arch: process.arch }))[0]!;
  expect(onnx).toMatchObject({ name: "onnxruntime", source: "npm onnxruntime-node", used: true });
  expect(onnx.bytes).toBeGreaterThan(1e6);
});

test("what is incomplete, or for another machine, is not listed", async () => {
  const machine = newMachine();
  const { folder } = await installTensorFlow({ signal }, machine);
  const names = async (arch: string) => (await listRuntimes(signal, { ...machine, arch })).map(({ name }) => name);
  expect(await names("x64")).toContain("tensorflow");
  expect(await names("arm64")).not.toContain("tensorflow");
  writeFileSync(join(folder, "runtime.json"), "{");
  expect(await names("x64")).not.toContain("tensorflow");
});

test("removes one version, or all with what failed installs have left", async () => {
  const machine = newMachine();
  await installTensorFlow({ signal }, machine);
  const { folder } = await installTensorFlow({ version: "2.20.0", signal }, machine);
  const leftover = join(machine.cache, "runtimes/.staging/tensorflow-2.17.0-linux-x64");
  const busy = join(machine.cache, "runtimes/.staging/tensorflow-2.19.0-linux-x64");
  for (const each of [leftover, busy]) mkdirSync(each);
  writeFileSync(`${busy}.lock`, "");
  expect(await removeTensorFlow("2.20.0", machine)).toMatchObject([{ version: "2.20.0" }]);
  expect([existsSync(folder), existsSync(leftover)]).toEqual([false, true]);
  await expect(removeTensorFlow("2.20.0", machine)).rejects.toMatchObject({
    code: "not-found",
    message: "no TensorFlow 2.20.0 is installed in the cache (installed: 2.18.1)",
  });
  expect(await removeTensorFlow(undefined, machine)).toMatchObject([{ version: "2.18.1" }]);
  expect([existsSync(leftover), existsSync(busy)]).toEqual([false, true]);
  await expect(removeTensorFlow(undefined, machine)).rejects.toThrow("(installed: none)");
});
