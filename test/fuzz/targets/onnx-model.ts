import { TestWindow } from "../../../src/codec/saved-model/test-window.ts";
import type { FileWindow } from "../../../src/platforms/file-window.ts";
import { type ExternalData, scanModelProto } from "../../../src/platforms/onnx/model-proto.ts";
import { type FuzzTarget, type Outcome, refusal } from "../target.ts";

const FILE = "m.onnx";
/** Small, so that it has to be moved; as large as the longest name at least. */
const WINDOW_BYTES = 4096;
const NEVER = new AbortController().signal;

/** The reader of ONNX models that looks for data in other files. */
export const onnxModel: FuzzTarget = {
  name: "onnx-model",
  dictionary: [
    "3a",
    "3a04",
    "0a02",
    "2a02",
    "2a00",
    "7a02",
    "a20102",
    "ca0100",
    "6a0a0a086c6f636174696f6e",
    "6a0c0a066f66667365741202",
    "7001",
    "7000",
    "12057765696768",
    "3202",
    "5200",
    "b20100",
  ].map((hex) => Buffer.from(hex, "hex")),
  longest: 500,
  async run(input): Promise<Outcome> {
    const found: ExternalData[] = [];
    try {
      await scanModelProto(new TestWindow(input, WINDOW_BYTES) as unknown as FileWindow, FILE, (data) => found.push(data), NEVER);
    } catch (reason) {
      const outcome = refusal(reason);
      if (!(reason as Error).message.includes(FILE)) throw new Error("a refusal does not name the file", { cause: reason });
      return outcome;
    }
    if (found.length * 2 > input.length) throw new Error("more tensors than bytes for them");
    for (const { location, offset = "", length = "" } of found) {
      if (location.length + offset.length + length.length > input.length * 3) throw new Error("names longer than the model");
    }
    return { accepted: true, shape: `${Math.min(found.length, 4)} ${found.some(({ offset }) => offset !== undefined)}` };
  },
};
