import { deflate, deflateSync, gunzip, gunzipSync, gzip, gzipSync, inflate, inflateSync, constants as zlib } from "node:zlib";
import { ServingError } from "../base/serving-error.ts";
import { noteOwnMemory } from "./own-memory.ts";

/** Codings both HTTP bodies and gRPC messages know: RFC 1952 (`gzip`) and RFC 1950 (`deflate`, the zlib wrapping). */
export type ContentCoding = "gzip" | "deflate";

/** Up to this size a coding is undone or applied on the spot: handing it to the thread pool costs more than doing it. */
const SYNCHRONOUS_BYTES = 4096;

/** Most plain text made on the calling thread; a small input that grows beyond it starts over on the thread pool. */
const SYNCHRONOUS_OUTPUT_BYTES = 64 * 1024;

const LARGEST_PIECE_BYTES = 64 * 1024;
const SMALLEST_PIECE_BYTES = 64;

/** zlib stops at the end of the piece in which the limit was passed, so a piece is a small part of the limit. */
function pieceBytes(limit: number): number {
  return Math.max(SMALLEST_PIECE_BYTES, Math.min(LARGEST_PIECE_BYTES, Math.floor(limit / 16)));
}

function tooLarge(limit: number, cause: unknown): ServingError {
  return new ServingError("resource-exhausted", `the decompressed message is larger than the limit of ${limit} bytes`, { cause });
}

function isTooLarge(reason: unknown): boolean {
  return reason instanceof Error && (reason as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
}

function inflateFault(reason: unknown, coding: ContentCoding, limit: number): ServingError {
  if (isTooLarge(reason)) return tooLarge(limit, reason);
  return new ServingError("invalid-argument", `the message is not valid ${coding} data`, { cause: reason });
}

function inflateOffThread(bytes: Uint8Array, coding: ContentCoding, limit: number): Promise<Uint8Array> {
  const start = coding === "gzip" ? gunzip : inflate;
  return new Promise((resolve, reject) => {
    start(bytes, { maxOutputLength: Math.max(limit, 1), chunkSize: pieceBytes(limit) }, (fault, plain) => {
      if (fault !== null) reject(inflateFault(fault, coding, limit));
      else if (plain.length > limit) reject(tooLarge(limit, undefined));
      else {
        if (plain.length === plain.buffer.byteLength) noteOwnMemory(plain);
        resolve(plain);
      }
    });
  });
}

/**
 * Undoes a coding, making at most `limit` bytes and a sixteenth. Large inputs are worked on off the calling thread.
 *
 * Rejects with `resource-exhausted` when the plain text is longer than `limit` and with `invalid-argument` when the bytes
 * are broken or end early.
 */
export async function inflateMessage(bytes: Uint8Array, coding: ContentCoding, limit: number): Promise<Uint8Array> {
  if (bytes.length > SYNCHRONOUS_BYTES) return inflateOffThread(bytes, coding, limit);
  const bound = Math.max(1, Math.min(limit, SYNCHRONOUS_OUTPUT_BYTES));
  try {
    const options = { maxOutputLength: bound, chunkSize: Math.min(pieceBytes(limit), SYNCHRONOUS_BYTES * 4) };
    const plain = coding === "gzip" ? gunzipSync(bytes, options) : inflateSync(bytes, options);
    if (plain.length > limit) throw tooLarge(limit, undefined);
    return plain;
  } catch (reason) {
    if (isTooLarge(reason) && bound < limit) return inflateOffThread(bytes, coding, limit);
    throw reason instanceof ServingError ? reason : inflateFault(reason, coding, limit);
  }
}

/** Applies a coding at the fastest level. Large inputs are worked on off the calling thread. */
export async function deflateMessage(bytes: Uint8Array, coding: ContentCoding): Promise<Uint8Array> {
  const options = { level: zlib.Z_BEST_SPEED };
  if (bytes.length <= SYNCHRONOUS_BYTES) return coding === "gzip" ? gzipSync(bytes, options) : deflateSync(bytes, options);
  const start = coding === "gzip" ? gzip : deflate;
  return new Promise((resolve, reject) => {
    start(bytes, options, (fault, coded) => {
      if (fault === null) resolve(coded);
      else reject(ServingError.from(fault));
    });
  });
}

const EMPTY = new Uint8Array(0);

/**
 * The plain text of a gzip request body, or no bytes when the stream is broken, as TensorFlow Serving has it (its clients
 * then see "The document is empty"). Rejects with `resource-exhausted` over `limit` bytes of plain text.
 */
export async function inflateRequestBody(bytes: Uint8Array, limit: number): Promise<Uint8Array> {
  try {
    return await inflateMessage(bytes, "gzip", limit);
  } catch (reason) {
    const fault = ServingError.from(reason);
    if (fault.code === "invalid-argument") return EMPTY;
    throw fault;
  }
}

/** How a request body is coded by its `content-encoding` value; `unsupported` is answered 415. */
export function bodyCoding(contentEncoding: string | undefined): "identity" | "gzip" | "unsupported" {
  if (contentEncoding === undefined) return "identity";
  let coding: "identity" | "gzip" = "identity";
  for (const part of contentEncoding.split(",")) {
    const name = part.trim().toLowerCase();
    if (name === "" || name === "identity") continue;
    if ((name !== "gzip" && name !== "x-gzip") || coding === "gzip") return "unsupported";
    coding = "gzip";
  }
  return coding;
}

/** Whether an `accept-encoding` value lets the answer be gzip: named with a weight above 0, or covered by `*` (RFC 9110, 12.5.3). */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  if (acceptEncoding === undefined) return false;
  let wildcard = false;
  for (const part of acceptEncoding.split(",")) {
    const [coding = "", ...parameters] = part.split(";");
    const name = coding.trim().toLowerCase();
    if (name !== "gzip" && name !== "x-gzip" && name !== "*") continue;
    const wanted = parameters.every((parameter) => !/^\s*q\s*=\s*0(?:\.0{0,3})?\s*$/i.test(parameter));
    if (name !== "*") return wanted;
    wildcard = wanted;
  }
  return wildcard;
}
