import { decodeAnswer, payloadBytes } from "../../../src/runtimes/python/decode-answer.ts";
import { FrameReader } from "../../../src/runtimes/python/frame-reader.ts";
import { aligned } from "../../../src/runtimes/python/frames.ts";
import type { FuzzTarget, Outcome } from "../target.ts";
import { refusal } from "../target.ts";

const MOST_BODY_BYTES = 16 * 1024;

/** What comes from a Python worker: frames, and the tensors of answers. */
export const workerFrames: FuzzTarget = {
  name: "worker-frames",
  dictionary: ["00", "01", "40", "ffffffff", "0000000000000080", "0200000000000000", "0d01", "0001"].map((hex) =>
    Buffer.from(hex, "hex"),
  ),
  run(input): Outcome {
    const shapes: string[] = [];
    const reader = new FrameReader(MOST_BODY_BYTES, ({ kind, tensors, tableBytes }, body) => {
      const payload = body.subarray(aligned(tableBytes));
      const size = payloadBytes(body, tensors, tableBytes);
      const outputs = decodeAnswer(body, tensors, tableBytes, payload);
      if (size > payload.length) throw new Error("tensors were read that lie behind the end");
      shapes.push(`${Math.min(kind, 8)}:${[...outputs.values()].map(({ dtype, shape }) => `${dtype}${shape.length}`).join(",")}`);
    });
    try {
      const half = input.length >> 1;
      reader.push(input.subarray(0, half));
      reader.push(input.subarray(half));
      return { accepted: shapes.length > 0, shape: shapes.slice(0, 3).join(" ") };
    } catch (reason) {
      return refusal(reason);
    }
  },
};
