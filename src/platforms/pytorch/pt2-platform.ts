import { join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import { encodeModel } from "../../graph/encode-model.ts";
import type { Detection, Platform } from "../../model/platform.ts";
import type { OnnxGraphProgram } from "../../model/program.ts";
import { findExportedFiles, onlyExportedFile } from "./exported-file.ts";
import { importProgram } from "./import-program.ts";
import { readArchive } from "./read-archive.ts";

/** Programs of torch.export (`.pt2`), made into ONNX graphs. */
export const pt2Platform = {
  name: "pytorch",

  async detect(path: string): Promise<Detection | undefined> {
    const found = await findExportedFiles(path);
    return found && { why: found.why };
  },

  async read(path: string, signal: AbortSignal): Promise<OnnxGraphProgram> {
    const found = await findExportedFiles(path);
    if (found === undefined) throw new ServingError("not-found", "there is no program of torch.export");
    const name = onlyExportedFile(found);
    try {
      const { program, weights } = await readArchive(join(found.folder, name), signal);
      const graph = await importProgram(program, (weight) => weights.get(weight), signal);
      return { runtime: "onnxruntime", source: name, ...encodeModel(graph) };
    } catch (reason) {
      if (!(reason instanceof ServingError) || signal.aborted || reason.message.includes(name)) throw reason;
      throw new ServingError(reason.code, `${name}: ${reason.message}`, { cause: reason });
    }
  },
} satisfies Platform;
