import { ServingError } from "../../../src/base/serving-error.ts";
import { grpcHeadOf } from "../../../src/transport/grpc/grpc-head.ts";
import { encodeGrpcMessage } from "../../../src/transport/grpc/grpc-status.ts";
import { MessageReader } from "../../../src/transport/grpc/message-reader.ts";
import { decodeBinaryMetadata, encodeBinaryMetadata } from "../../../src/transport/grpc/metadata.ts";
import { readRequestHead, trailersFault } from "../../../src/transport/http2/request-head.ts";
import { agree, type FuzzTarget, type Outcome, piecesOf, plain, refusal } from "../target.ts";

const LIMIT = 1024;
/** Small buffers are cut from a common one of this size. */
const SMALLEST_BODY = Buffer.poolSize;

function read(pieces: readonly Buffer[]): { readonly messages: string; readonly ending: string; readonly count: number } {
  const reader = new MessageReader(LIMIT);
  const messages: string[] = [];
  const done = (ending: string) => ({ messages: messages.join("\n"), ending, count: messages.length });
  let given = 0;
  try {
    for (const piece of pieces) {
      reader.push(piece, 0, piece.length);
      given += piece.length;
      for (let message = reader.next(); message !== undefined; message = reader.next()) {
        const { bytes, compressed } = message;
        if (bytes.length > LIMIT) throw new Error("a message is longer than its limit");
        if (bytes.buffer !== piece.buffer && bytes.buffer.byteLength > Math.max(SMALLEST_BODY, given * 2)) {
          throw new Error(`a message of ${bytes.length} bytes took ${bytes.buffer.byteLength}`);
        }
        messages.push(`${compressed} ${Buffer.from(bytes).toString("latin1")}`);
      }
    }
  } catch (reason) {
    if (!(reason instanceof ServingError)) throw reason;
    return done(refusal(reason).shape);
  }
  return done(reader.incomplete ? "incomplete" : "whole");
}

/** The whole messages before the first that may not be, or is not all there. */
function plainMessages(input: Buffer): string {
  const messages: string[] = [];
  for (let at = 0; at + 5 <= input.length; ) {
    const length = input.readUInt32BE(at + 1);
    if (input[at]! > 1 || length > LIMIT || at + 5 + length > input.length) break;
    messages.push(`${input[at] === 1} ${input.toString("latin1", at + 5, at + 5 + length)}`);
    at += 5 + length;
  }
  return messages.join("\n");
}

/** Length-prefixed messages: the same however they are cut. */
export const grpcMessages: FuzzTarget = {
  name: "grpc-messages",
  dictionary: [
    Buffer.from([0, 0, 0, 0, 0]),
    Buffer.from([1, 0, 0, 0, 1, 97]),
    Buffer.from([0, 0, 0, 4, 0]),
    Buffer.from([0, 0, 0, 4, 1]),
    Buffer.from([0, 255, 255, 255, 255]),
    Buffer.from([2, 0, 0, 0, 0]),
  ],
  longest: 1500,
  run(input): Outcome {
    const whole = read([input]);
    const cut = read(piecesOf(input));
    agree(cut.messages, whole.messages, "messages of the bytes in pieces");
    agree(cut.ending, whole.ending, "the ending of the bytes in pieces");
    agree(whole.messages, plainMessages(input), "messages");
    return {
      accepted: whole.ending === "whole" || whole.ending === "incomplete",
      shape: `${Math.min(whole.count, 4)} ${whole.ending}`,
    };
  },
};

const UNITS = new Map(Object.entries({ H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }));

/** What a `-bin` value is; the bytes in it are written and read back. */
function binaryText(value: string): string {
  let parts: readonly Uint8Array[];
  try {
    parts = decodeBinaryMetadata(value);
  } catch (reason) {
    refusal(reason);
    if (/^(?:[0-9A-Za-z+/]{4})*$/.test(value)) throw new Error("base64 was refused", { cause: reason });
    return "refused";
  }
  for (const bytes of parts) {
    const [again, ...more] = decodeBinaryMetadata(encodeBinaryMetadata(bytes));
    agree(
      [again, ...more].map((each) => Buffer.from(each!).toString("hex")).join(),
      Buffer.from(bytes).toString("hex"),
      "metadata",
    );
  }
  agree(
    parts
      .map((bytes) => Buffer.from(bytes).toString("base64").replace(/=/g, ""))
      .map(withoutLastDigit)
      .join(),
    value
      .split(",")
      .map((part) => part.trim().replace(/=/g, ""))
      .map(withoutLastDigit)
      .join(),
    "metadata as text",
  );
  return parts.length > 1 ? "several" : "one";
}

/** The last digit of base64 may hold bits that mean nothing. */
function withoutLastDigit(text: string): string {
  return text.slice(0, -1);
}

/** The fields of a call: deadline, codings, metadata. The input is fields as lines. */
export const grpcHead: FuzzTarget = {
  name: "grpc-head",
  dictionary: [
    "\n",
    ": ",
    ":method: POST\n",
    ":scheme: http\n",
    ":path: /t.S/M\n",
    ":authority: a\n",
    "host: a\n",
    "te: trailers\n",
    "content-type: application/grpc\n",
    "content-type: application/grpc+proto\n",
    "content-type: application/grpc-web\n",
    "grpc-timeout: 1S\n",
    "grpc-timeout: 99999999H\n",
    "grpc-timeout: 0n\n",
    "grpc-encoding: gzip\n",
    "grpc-encoding: br\n",
    "grpc-accept-encoding: gzip,deflate\n",
    "content-length: 5\n",
    "connection: close\n",
    "x-bin: AAA\n",
    "x-bin: QUJD,QQ==\n",
    "__proto__: x\n",
  ],
  longest: 700,
  run(input): Outcome {
    const lines = input.toString("latin1").split("\n");
    const names: string[] = [];
    const values: string[] = [];
    for (const line of lines) {
      if (line === "") continue;
      const colon = line.indexOf(":", 1);
      names.push(colon < 0 ? line : line.slice(0, colon));
      values.push(colon < 0 ? "" : line.slice(colon + 2));
    }
    // A status message is any text; it must come back as it was.
    const text = input.toString("utf8", 0, 100);
    agree(decodeURIComponent(encodeGrpcMessage(text)), text, "a status message");
    const list = { names, values, oversized: false };
    const head = readRequestHead(list);
    const trailers = trailersFault(list);
    if (typeof head === "string") return { accepted: false, shape: `${plain(head)} ${plain(trailers ?? "")}` };
    if (head.values.some((value) => /[\0\r\n]/.test(value))) throw new Error("a value holds a forbidden octet");
    const { refusal: refused, error, timeoutMs, coding, acceptsCoding } = grpcHeadOf(head);
    if (refused !== undefined) return { accepted: false, shape: refused.join() };
    if (error !== undefined) return { accepted: false, shape: `${error.code} ${plain(error.message)}` };
    const binary = head.names.map((name, index) => (name.endsWith("-bin") ? binaryText(head.values[index]!) : "")).join("");
    const sent = head.values.filter((_, index) => head.names[index] === "grpc-timeout");
    agree(timeoutMs, sent.length === 0 ? undefined : Number(sent[0]!.slice(0, -1)) * UNITS.get(sent[0]!.at(-1)!)!, "the timeout");
    if (timeoutMs !== undefined && !(timeoutMs >= 0 && timeoutMs < 1e15)) throw new Error(`a timeout of ${timeoutMs} ms`);
    return {
      accepted: true,
      shape: `${binary} ${timeoutMs === undefined} ${coding} ${acceptsCoding} ${head.contentLength >= 0}`,
    };
  },
};
