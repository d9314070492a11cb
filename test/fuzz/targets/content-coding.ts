import { gunzipSync, inflateSync } from "node:zlib";
import { ServingError } from "../../../src/base/serving-error.ts";
import {
  acceptsGzip,
  bodyCoding,
  type ContentCoding,
  inflateMessage,
  inflateRequestBody,
} from "../../../src/transport/content-coding.ts";
import { agree, type FuzzTarget, type Outcome, refusal } from "../target.ts";

/** Inflated on the calling thread; and above what is, so that bombs take the other way too. */
const LIMITS = [5000, 80_000] as const;
const LARGE_LIMIT_EVERY = 64;
const REFUSAL_CHECKED_EVERY = 8;

function plainInflate(input: Buffer, coding: ContentCoding, limit: number): string {
  try {
    const bytes = (coding === "gzip" ? gunzipSync : inflateSync)(input, { maxOutputLength: limit });
    return `${bytes.length} ${bytes.toString("latin1")}`;
  } catch (reason) {
    return (reason as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? "resource-exhausted" : "invalid-argument";
  }
}

async function inflated(result: Promise<Uint8Array>, limit: number): Promise<string> {
  try {
    const bytes = await result;
    if (bytes.length > limit) throw new Error(`${bytes.length} bytes came of a limit of ${limit}`);
    return `${bytes.length} ${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")}`;
  } catch (reason) {
    if (!(reason instanceof ServingError) || reason.code === "internal") throw reason;
    return reason.code;
  }
}

function isRefusal(text: string): boolean {
  return !/^\d/.test(text);
}

/** Compressed messages and bodies: zlib in one step sees the same, and no more than the limit is made. */
export const contentCoding: FuzzTarget = {
  name: "content-coding",
  dictionary: [
    Buffer.from("1f8b0800000000000003", "hex"),
    Buffer.from("789c", "hex"),
    Buffer.from("7801", "hex"),
    Buffer.from("0000ffff", "hex"),
  ],
  longest: 5000,
  async run(input): Promise<Outcome> {
    const coding = input[0] === 0x1f ? "gzip" : "deflate";
    const limit = LIMITS[input.length % LARGE_LIMIT_EVERY === 0 ? 1 : 0];
    const plain = await inflated(inflateMessage(input, coding, limit), limit);
    // Most inputs are refused for their checksum: that zlib agrees is seen often enough with some of them.
    const expected = isRefusal(plain) && input.length % REFUSAL_CHECKED_EVERY > 0 ? plain : plainInflate(input, coding, limit);
    // Of a stream that is both too long and broken either may be seen first.
    if (isRefusal(plain) !== isRefusal(expected) || !isRefusal(plain)) agree(plain, expected, "plain text");
    if (coding === "gzip" && limit === LIMITS[1]) {
      // A body that is broken counts as empty.
      agree(await inflated(inflateRequestBody(input, limit), limit), plain === "invalid-argument" ? "0 " : plain, "the body");
    }
    const size = /^\d+/.exec(expected);
    return { accepted: size !== null, shape: `${coding} ${size === null ? expected : size[0].length}` };
  },
};

const NAMES = ["gzip", "x-gzip", "identity", "deflate", "br", "*"];

/** `content-encoding` and `accept-encoding` values; the input is one value. */
export const codingFields: FuzzTarget = {
  name: "coding-fields",
  dictionary: [...NAMES, ",", ";", ";q=0", ";q=1", ";q=0.000", " ", "\t", "=", "GZIP"],
  longest: 200,
  run(input): Outcome {
    const value = input.toString("latin1");
    try {
      const coding = bodyCoding(value);
      const parts = value
        .toLowerCase()
        .split(",")
        .map((part) => part.trim());
      const real = parts.filter((part) => part !== "" && part !== "identity");
      const expected =
        real.length === 0 ? "identity" : real.length === 1 && /^(?:x-)?gzip$/.test(real[0]!) ? "gzip" : "unsupported";
      agree(coding, expected, "the coding of the body");
      const accepts = acceptsGzip(value);
      if (accepts && !/gzip|\*/i.test(value)) throw new Error("an answer is compressed for who did not ask");
      return { accepted: coding !== "unsupported", shape: `${coding} ${accepts} ${Math.min(parts.length, 4)}` };
    } catch (reason) {
      return refusal(reason);
    }
  },
};
