import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import type { Detection, Platform } from "../../model/platform.ts";
import type { OnnxProgram } from "../../model/program.ts";
import { ExternalFiles } from "./external-data.ts";
import { FileWindow } from "./file-window.ts";
import { findModelFile, onlyFile } from "./model-file.ts";
import { scanModelProto } from "./model-proto.ts";

/** Models in the ONNX format. */
export const onnxPlatform = {
  name: "onnx",

  async detect(path: string): Promise<Detection | undefined> {
    const finding = await findModelFile(path);
    return finding && { why: finding.why };
  },

  /** Checks the file's structure and the files it names; what the graph means is the runtime's to check. */
  async read(path: string, signal: AbortSignal): Promise<OnnxProgram> {
    const finding = await findModelFile(path);
    if (finding === undefined) throw new ServingError("not-found", "there is no .onnx file");
    const { folder, name } = onlyFile(finding);
    const external = new ExternalFiles(name);
    const file = join(folder, name);
    const size = await withFile(file, name, async (handle) => {
      const { size } = await handle.stat();
      await scanModelProto(new FileWindow(handle, size), name, (data) => external.add(data), signal);
      return size;
    });
    return { runtime: "onnxruntime", file, bytes: size + (await external.check(folder, signal)) };
  },
} satisfies Platform;

async function withFile<R>(file: string, name: string, use: (handle: FileHandle) => Promise<R>): Promise<R> {
  let handle: FileHandle | undefined;
  try {
    // Not blocking: opening a pipe would wait for whoever writes to it.
    handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    if (!(await handle.stat()).isFile()) throw new ServingError("invalid-argument", `${name} is not a regular file`);
    return await use(handle);
  } catch (reason) {
    if (reason instanceof ServingError || !(reason instanceof Error) || !("syscall" in reason)) throw reason;
    throw new ServingError("not-found", `${name} cannot be read`, { cause: reason });
  } finally {
    await handle?.close();
  }
}
