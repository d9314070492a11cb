import { RequestFault } from "../../../src/transport/http1/request-fault.ts";
import { RequestReader } from "../../../src/transport/http1/request-reader.ts";
import { DEFAULT_LIMITS } from "../../../src/transport/limits.ts";
import { agree, type FuzzTarget, kindsOf, type Outcome, piecesOf, plain } from "../target.ts";
import { HTTP1_WORDS } from "./http1-head.ts";

const LIMITS = { ...DEFAULT_LIMITS, maxBodyBytes: 512, maxHeaderBytes: 300, maxHeaderCount: 12, maxChunks: 16 };
/** Small buffers are cut from a common one of this size. */
const SMALLEST_BODY = Buffer.poolSize;

interface Reading {
  readonly requests: string[];
  readonly kinds: string[];
  /** The fault, or how far the last request came. */
  readonly ending: string;
}

function read(pieces: readonly Buffer[], nudge: boolean): Reading {
  const reader = new RequestReader(LIMITS);
  const requests: string[] = [];
  const kinds: string[] = [];
  let given = 0;
  try {
    for (const piece of pieces) {
      reader.push(piece);
      given += piece.length;
      for (let head = reader.next(); head !== undefined; head = reader.next()) {
        const { body } = reader;
        if (body.buffer !== piece.buffer && body.buffer.byteLength > Math.max(SMALLEST_BODY, given * 2)) {
          throw new Error(`a body of ${body.length} bytes took ${body.buffer.byteLength}`);
        }
        requests.push(`${head.method} ${head.target} ${head.header("host")} ${Buffer.from(body).toString("latin1")}`);
        kinds.push(head.bodyLength < 0 ? "chunks" : head.bodyLength > 0 ? "body" : "none");
      }
    }
    // A head that comes in pieces is looked at when a line ends, so that a fault may still be waiting for that.
    if (nudge && reader.unfinished === "head") {
      reader.push(Buffer.from("\n"));
      reader.next();
      return { requests, kinds, ending: "no fault" };
    }
    return { requests, kinds, ending: reader.unfinished ?? (reader.atBoundary ? "boundary" : "unread") };
  } catch (reason) {
    if (!(reason instanceof RequestFault)) throw reason;
    return { requests, kinds, ending: `${reason.status} ${reason.message}` };
  }
}

/** A connection's bytes as requests with their bodies: the same however they are cut, and no body larger than what came. */
export const http1Requests: FuzzTarget = {
  name: "http1-requests",
  dictionary: HTTP1_WORDS,
  longest: 1200,
  run(input): Outcome {
    const whole = read([input], false);
    const faulty = /^\d/.test(whole.ending);
    const cut = read(piecesOf(input), faulty);
    agree(cut.requests.join("\n--\n"), whole.requests.join("\n--\n"), "requests of the bytes in pieces");
    agree(cut.ending, whole.ending, "the ending of the bytes in pieces");
    return { accepted: !faulty, shape: `${kindsOf(whole.kinds)} ${plain(whole.ending)}` };
  },
};
