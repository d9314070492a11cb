import { join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import { encodeModel } from "../../graph/encode-model.ts";
import type { Detection, Platform } from "../../model/platform.ts";
import type { OnnxGraphProgram } from "../../model/program.ts";
import { findModelFile, onlyFile } from "../find-model-file.ts";
import { withModelFile } from "../with-model-file.ts";
import { CNTK_FILE } from "./model-file.ts";
import { readModel } from "./read-model.ts";
import { translateNetwork } from "./translate-network.ts";

/** Models of CNTK 2 (Microsoft Cognitive Toolkit), made into ONNX graphs. */
export const cntkPlatform = {
  name: "cntk",

  async detect(path: string): Promise<Detection | undefined> {
    const finding = await findModelFile(path, CNTK_FILE);
    return finding && { why: finding.why };
  },

  async read(path: string, signal: AbortSignal): Promise<OnnxGraphProgram> {
    const finding = await findModelFile(path, CNTK_FILE);
    if (finding === undefined) throw new ServingError("not-found", "there is no model of CNTK");
    const { folder, name } = onlyFile(finding, CNTK_FILE);
    try {
      const model = await withModelFile(join(folder, name), name, (handle) => readModel(handle, signal));
      const graph = await translateNetwork(model, signal);
      return { runtime: "onnxruntime", source: name, ...encodeModel(graph) };
    } catch (reason) {
      throw naming(name, reason, signal);
    }
  },
} satisfies Platform;

/** An error of a model, with the file's name. */
function naming(name: string, reason: unknown, signal: AbortSignal): unknown {
  if (!(reason instanceof ServingError) || signal.aborted || reason.message.startsWith(name)) return reason;
  return new ServingError(reason.code, `${name}: ${reason.message}`, { cause: reason });
}
