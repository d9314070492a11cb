import { join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import { encodeModel } from "../../graph/encode-model.ts";
import type { Detection, Platform } from "../../model/platform.ts";
import type { OnnxGraphProgram } from "../../model/program.ts";
import { FileWindow } from "../file-window.ts";
import { modelBytes } from "../model-bytes.ts";
import { withModelFile } from "../with-model-file.ts";
import { importGraph } from "./import-graph.ts";
import { filesOf, findModelFiles } from "./model-files.ts";
import { readParams } from "./read-params.ts";
import { readSignature } from "./read-signature.ts";
import { readSymbol } from "./read-symbol.ts";

/** Models of Apache MXNet: what `Module.save_checkpoint` and Gluon's `HybridBlock.export` write. */
export const mxnetPlatform = {
  name: "mxnet",

  async detect(path: string): Promise<Detection | undefined> {
    const finding = await findModelFiles(path);
    return finding && { why: finding.why };
  },

  /** An operator that is not covered is refused by name: what is read is computed as MXNet computes it. */
  async read(path: string, signal: AbortSignal): Promise<OnnxGraphProgram> {
    const finding = await findModelFiles(path);
    if (finding === undefined) throw new ServingError("not-found", "there is no model of MXNet");
    const { folder, symbol, params, signature } = await filesOf(finding);
    const bytesOf = (name: string) => withModelFile(join(folder, name), name, (handle) => modelBytes(handle, name, signal));
    const graph = await importGraph(
      {
        symbol: readSymbol(await bytesOf(symbol), symbol),
        parameters: await withModelFile(join(folder, params), params, async (handle) =>
          readParams(new FileWindow(handle, (await handle.stat()).size), params, signal),
        ),
        shapes: signature === undefined ? new Map() : readSignature(await bytesOf(signature), signature),
        files: { symbol, params },
      },
      signal,
    );
    return { runtime: "onnxruntime", source: symbol, ...encodeModel(graph) };
  },
} satisfies Platform;
