import { join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import { encodeModel } from "../../graph/encode-model.ts";
import type { Detection, Platform } from "../../model/platform.ts";
import type { OnnxGraphProgram } from "../../model/program.ts";
import { modelBytes } from "../model-bytes.ts";
import { withModelFile } from "../with-model-file.ts";
import { importNets } from "./import-nets.ts";
import { findModelFiles, isText, onlyPair } from "./model-files.ts";
import type { Net } from "./net-def.ts";
import { readNet } from "./read-net.ts";
import { readNetText } from "./read-net-text.ts";
import { type DeclaredInput, readValueInfo, VALUE_INFO } from "./value-info.ts";

const MOST_TEXT_BYTES = 256 << 20;
const MOST_INFO_BYTES = 1 << 20;

/** Models of Caffe2: a net that makes the parameters and one that computes with them. */
export const caffe2Platform = {
  name: "caffe2",

  async detect(path: string): Promise<Detection | undefined> {
    const finding = await findModelFiles(path);
    return finding && { why: finding.why };
  },

  /** Both nets become one ONNX graph. What a file says of lengths and places is checked against what there is of it. */
  async read(path: string, signal: AbortSignal): Promise<OnnxGraphProgram> {
    const finding = await findModelFiles(path);
    if (finding === undefined) throw new ServingError("not-found", "there is no model of Caffe2's");
    const { init, predict } = onlyPair(finding);
    const nets = [await readFile(path, init, signal), await readFile(path, predict, signal)] as [Net, Net];
    // Both are used as the name of either.
    if (init.startsWith("exec_net") && computes(nets[0]) && !computes(nets[1])) nets.reverse();
    const graph = await importNets(...nets, await readDeclared(path, signal), signal);
    const { file } = nets[1];
    try {
      return { runtime: "onnxruntime", source: file, ...encodeModel(graph) };
    } catch (reason) {
      if (!(reason instanceof ServingError)) throw reason;
      throw new ServingError(reason.code, `${file}: ${reason.message}`, { cause: reason });
    }
  },
} satisfies Platform;

async function readFile(folder: string, name: string, signal: AbortSignal): Promise<Net> {
  const bytes = await withModelFile(join(folder, name), name, (handle) => modelBytes(handle, name, signal));
  if (!isText(name)) return await readNet(bytes, name, signal);
  if (bytes.length > MOST_TEXT_BYTES)
    throw new ServingError("unimplemented", `${name} has ${bytes.length} bytes of text, more than 256 MiB`);
  return await readNetText(bytes.toString(), name, signal);
}

async function readDeclared(folder: string, signal: AbortSignal): Promise<ReadonlyMap<string, DeclaredInput>> {
  try {
    return await withModelFile(join(folder, VALUE_INFO), VALUE_INFO, async (handle) => {
      if ((await handle.stat()).size > MOST_INFO_BYTES)
        throw new ServingError("invalid-argument", `${VALUE_INFO} is larger than 1 MiB`);
      return readValueInfo((await modelBytes(handle, VALUE_INFO, signal)).toString());
    });
  } catch (reason) {
    if (reason instanceof ServingError && reason.code === "not-found") return new Map();
    throw reason;
  }
}

/** Whether the first operator of a net works on something. */
function computes({ operators }: Net): boolean {
  return (operators[0]?.inputs.length ?? 0) > 0;
}
