import { BodyCollector } from "../../../src/transport/http1/body-collector.ts";
import { ChunkedParser } from "../../../src/transport/http1/chunked-parser.ts";
import { RequestFault } from "../../../src/transport/http1/request-fault.ts";
import { plainChunks } from "../plain/http1.ts";
import { agree, type FuzzTarget, type Outcome, piecesOf, plain } from "../target.ts";
import { HTTP1_WORDS } from "./http1-head.ts";

const LIMITS = { maxBodyBytes: 64, maxChunks: 8, maxHeaderBytes: 40, maxHeaderCount: 2 };

function read(pieces: readonly Buffer[]): { readonly ending: string; readonly body: string; readonly end: number } {
  const collector = new BodyCollector(LIMITS.maxBodyBytes);
  const parser = new ChunkedParser(LIMITS, collector);
  let end = 0;
  try {
    for (const piece of pieces) {
      end += parser.push(piece, 0, piece.length);
      if (collector.length > LIMITS.maxBodyBytes) throw new Error("the body is larger than its limit");
      if (parser.done) break;
    }
  } catch (reason) {
    if (!(reason instanceof RequestFault)) throw reason;
    return { ending: `${reason.status} ${reason.message}`, body: "", end: 0 };
  }
  return { ending: parser.done ? "done" : "more", body: Buffer.from(collector.take()).toString("latin1"), end };
}

/** A body in chunks: the same however it is cut, and against a reading line by line. */
export const http1Chunks: FuzzTarget = {
  name: "http1-chunks",
  dictionary: HTTP1_WORDS,
  longest: 300,
  run(input): Outcome {
    const whole = read([input]);
    const cut = read(piecesOf(input));
    agree(`${cut.ending} ${cut.end} ${cut.body}`, `${whole.ending} ${whole.end} ${whole.body}`, "the body in pieces");
    if (whole.ending === "done") {
      const { body, end } = plainChunks(input.toString("latin1"));
      agree(`${whole.end} ${whole.body}`, `${end} ${body}`, "the body");
    }
    return { accepted: !/^\d/.test(whole.ending), shape: plain(whole.ending) };
  },
};
