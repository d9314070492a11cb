import type { HttpHandler, HttpRequest, HttpResponse } from "../../../src/transport/http-exchange.ts";

const FRAMING_HEADERS: HttpResponse["headers"] = [
  ["content-length", "999"],
  ["transfer-encoding", "chunked"],
  ["connection", "close"],
  ["keep-alive", "timeout=1"],
  ["upgrade", "h2c"],
];
const SPLIT_HEADERS: HttpResponse["headers"] = [["x-split", "a\r\nx-hidden: b"]];

/** What the handler was asked, as `METHOD TARGET BODY`. */
export function seenOf(request: Pick<HttpRequest, "method" | "target" | "body">): string {
  const body = Buffer.from(request.body).toString("latin1");
  return `${request.method} ${request.target}${body === "" ? "" : ` ${body}`}`;
}

/**
 * Says what it was asked, in the body and, percent-encoded, in `x-seen` and `x-host`. The target decides the rest: `/slow` takes
 * turns of the event loop, `/stream` is streamed, a status is answered with, `/framing` and `/split` set headers that they may not.
 */
export const mirror: HttpHandler = (request) => {
  const { target } = request;
  const answer = mirrored(request);
  return target.startsWith("/slow") ? later(answer) : answer;
};

function mirrored(request: HttpRequest): HttpResponse {
  const { target } = request;
  const seen = seenOf(request);
  const told: HttpResponse["headers"] = [
    ["x-seen", encodeURIComponent(seen)],
    ["x-host", encodeURIComponent(request.header("host") ?? "")],
  ];
  const extra = target === "/framing" ? FRAMING_HEADERS : target === "/split" ? SPLIT_HEADERS : [];
  const status = Number(/\/(\d{3})$/.exec(target)?.[1] ?? 200);
  const pieces = target === "/stream/empty" ? [] : ["one ", "two "];
  return {
    status,
    headers: [...told, ...extra],
    body: target.startsWith("/stream") ? stream(pieces) : Buffer.from(seen, "latin1"),
  };
}

async function* stream(pieces: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    await new Promise((resolve) => setImmediate(resolve));
    yield Buffer.from(piece);
  }
}

async function later(answer: HttpResponse): Promise<HttpResponse> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  return answer;
}
