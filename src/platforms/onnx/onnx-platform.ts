import { join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import type { Detection, Platform } from "../../model/platform.ts";
import type { OnnxProgram } from "../../model/program.ts";
import { FileWindow } from "../file-window.ts";
import { withModelFile } from "../with-model-file.ts";
import { ExternalFiles } from "./external-data.ts";
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
    const operators = new Set<string>();
    const file = join(folder, name);
    const size = await withModelFile(file, name, async (handle) => {
      const { size } = await handle.stat();
      await scanModelProto(
        new FileWindow(handle, size),
        name,
        (data) => external.add(data),
        signal,
        (operator) => {
          operators.add(operator);
        },
      );
      return size;
    });
    return { runtime: "onnxruntime", file, operators, bytes: size + (await external.check(folder, signal)) };
  },
} satisfies Platform;
