import { FrameParser } from "../../../src/transport/http2/frame-parser.ts";
import { HeadReader } from "../../../src/transport/http2/head-reader.ts";
import { plainFrames } from "../plain/http2-frames.ts";
import { agree, type FuzzTarget, kindsOf, type Outcome, piecesOf, plain } from "../target.ts";

const LIMITS = { maxBytes: 1500, maxCount: 16 };

const FRAME_TYPES = 10;

/** The connection preface, header blocks, and the beginnings of frames of each type. */
export const HTTP2_WORDS: readonly (string | Uint8Array)[] = [
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  Buffer.from("000000040000000000", "hex"),
  Buffer.from("000000040100000000", "hex"),
  ...Array.from({ length: FRAME_TYPES }, (_, type) => Buffer.from([0, 0, 8, type, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1])),
  ...Array.from({ length: FRAME_TYPES }, (_, type) => Buffer.from([0, 0, 4, type, 0x0d, 0, 0, 0, 0, 0, 0, 0, 1])),
  ...Array.from({ length: FRAME_TYPES }, (_, type) => Buffer.from([0, 0, 0, type, 0x25, 0x7f, 0xff, 0xff, 0xff])),
  Buffer.from("828684be", "hex"),
  Buffer.from("3fe11f", "hex"),
  Buffer.from("400161", "hex"),
  Buffer.from("000001010400000003", "hex"),
];

interface Reading {
  readonly events: readonly string[];
  readonly kinds: readonly string[];
  readonly fault: string;
  /** All bytes of DATA, and of each header block. */
  readonly data: string;
  readonly blocks: readonly string[];
}

function read(pieces: readonly Buffer[]): Reading {
  const parser = new FrameParser({ maxHeaderBlockBytes: 300, maxFrameSize: 500 });
  const heads = new HeadReader(LIMITS);
  const events: string[] = [];
  const kinds: string[] = [];
  const blocks: string[] = [];
  let run = "";
  let charged = 0;
  let length = 0;
  for (const piece of pieces) {
    parser.push(piece);
    length += piece.length;
    for (let event = parser.next(); event !== undefined; event = parser.next()) {
      const { bytes, start, end, streamId, value, endStream, ack } = parser;
      if (event === "fault") return { events, kinds, fault: `${parser.fault!.code} ${parser.fault!.message}`, data: run, blocks };
      if (start < 0 || end < start || end > bytes.length) throw new Error("a view leaves its buffer");
      const text = bytes.toString("latin1", start, end);
      kinds.push(event);
      if (event === "data") {
        // Runs of one frame, and frames of one stream, are as one: where they are cut is the network's choice.
        charged += parser.frameLength;
        run += text;
        if (endStream) events.push(`end of ${streamId} after ${charged}: ${run}`);
      } else if (event === "headers") {
        blocks.push(text);
        const head = heads.readHead(bytes, start, end);
        if (typeof head !== "string" && "scope" in head) return { events, kinds, fault: head.message, data: run, blocks };
        events.push(`headers ${streamId} ${endStream} ${parser.selfDependent} ${JSON.stringify(head)}`);
      } else if (event === "settings" || event === "ping") events.push(`${event} ${ack} ${text}`);
      else events.push(`${event} ${streamId} ${event === "priority" || event === "unknown" ? "" : value}`);
      if (events.length + kinds.length > length * 2 + 2) throw new Error("more events than bytes");
    }
  }
  return { events: [...events, `${charged} ${run}`], kinds, fault: "", data: run, blocks };
}

/** HTTP/2 frames and the heads in them: the same however they are cut. */
export const http2Frames: FuzzTarget = {
  name: "http2-frames",
  dictionary: HTTP2_WORDS,
  longest: 1000,
  run(input): Outcome {
    const whole = read([input]);
    const cut = read(piecesOf(input));
    agree(cut.events.join("\n"), whole.events.join("\n"), "events of the bytes in pieces");
    agree(cut.fault, whole.fault, "the fault of the bytes in pieces");
    if (whole.fault === "" && whole.kinds.length > 0) {
      const { data, blocks } = plainFrames(input);
      agree(whole.data, data, "the bytes of DATA");
      agree(whole.blocks.join("\n--\n"), blocks.join("\n--\n"), "header blocks");
    }
    return { accepted: whole.fault === "", shape: `${kindsOf(whole.kinds)} ${plain(whole.fault)}` };
  },
};
