import { readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolders } from "../base/test-folders.ts";
import { installedRuntimes } from "./installed-runtimes.ts";
import { libraryVersion } from "./library-version.ts";
import { thisMachine } from "./machine.ts";
import { findPythonTensorFlow } from "./python-tensorflow.ts";

const newFolder = temporaryFolders();
const signal = new AbortController().signal;

test("a file that is no library is refused by its name, without its path", async () => {
  const path = join(newFolder(), "libtensorflow_cc.so.2");
  writeFileSync(path, "text");
  const message = await libraryVersion(path, process.env, signal).then(
    () => "",
    (error: Error) => error.message,
  );
  expect(message).toMatch(/^"libtensorflow_cc\.so\.2" cannot be used as TensorFlow's library: \S/);
  expect(message).not.toContain(dirname(path));
});

test("another library than TensorFlow's is refused", async () => {
  const folder = join(
    dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json")),
    "bin/napi-v6",
    process.platform,
    process.arch,
  );
  const file = readdirSync(folder).find((name) => /^(lib)?onnxruntime\./.test(name))!;
  await expect(libraryVersion(join(folder, file), process.env, signal)).rejects.toThrow("TF_Version");
});

test("a library that ends the process is refused, and ends no other", async () => {
  const crash = join(newFolder(), "crash.cjs");
  writeFileSync(crash, "process.abort()");
  const loading = libraryVersion("libtensorflow_cc.so.2", { ...process.env, NODE_OPTIONS: `--require=${crash}` }, signal);
  await expect(loading).rejects.toMatchObject({ code: "failed-precondition", message: expect.stringContaining("SIGABRT") });
});

test("TensorFlow's library says its version", async ({ skip }) => {
  const machine = thisMachine();
  const [installed] = await installedRuntimes(machine);
  const library = installed?.library ?? (await findPythonTensorFlow(machine, signal))?.path;
  if (library === undefined) return skip("no TensorFlow is installed here");
  expect(await libraryVersion(library, process.env, signal)).toMatch(/^2\.\d+\.\d+$/);
});
