import { describe, expect, test } from "vitest";
import { ERROR_CODE } from "./error-code.ts";
import { CLIENT_PREFACE, FRAME_FLAG, FRAME_TYPE, writeFrameHeader } from "./frame.ts";
import { FrameParser } from "./frame-parser.ts";

function frame(type: number, flags: number, streamId: number, payload: Uint8Array | string = ""): Buffer {
  const bytes = typeof payload === "string" ? Buffer.from(payload, "latin1") : payload;
  const out = Buffer.alloc(9 + bytes.length);
  out.set(bytes, writeFrameHeader(out, 0, bytes.length, type, flags, streamId));
  return out;
}

const { data, headers, continuation, settings, ping } = FRAME_TYPE;
const OPENING = Buffer.concat([CLIENT_PREFACE, frame(settings, 0, 0)]);

/** Events as text, runs of one DATA frame joined, so that splits do not show. */
function events(chunks: readonly Buffer[], maxHeaderBlockBytes = 1000): string[] {
  const parser = new FrameParser({ maxHeaderBlockBytes });
  const seen: string[] = [];
  let run = "";
  let length = 0;
  let charged = 0;
  for (const chunk of chunks) {
    parser.push(chunk);
    for (let event = parser.next(); event !== undefined; event = parser.next()) {
      const text = parser.bytes.toString("latin1", parser.start, parser.end);
      if (event === "data") {
        run += text;
        charged += parser.frameLength;
        length += parser.end - parser.start;
        if (parser.endStream) {
          seen.push(`data ${parser.streamId} ${run} charged ${charged} end`);
          run = "";
          charged = 0;
        }
      } else if (event === "headers") {
        seen.push(`headers ${parser.streamId} ${text} ${parser.endStream} ${parser.selfDependent}`);
      } else if (event === "fault") seen.push(`fault ${parser.fault!.code}`);
      else if (event === "ping" || event === "settings") seen.push(`${event} ${text} ${parser.ack}`);
      else seen.push(`${event} ${parser.streamId} ${parser.value}`);
    }
  }
  if (run !== "") seen.push(`data open ${run} charged ${charged}`);
  expect(length).toBeGreaterThanOrEqual(run.length);
  return seen;
}

const CONVERSATION = Buffer.concat([
  OPENING,
  frame(headers, FRAME_FLAG.endHeaders, 1, "head"),
  frame(data, 0, 1, "some "),
  frame(data, FRAME_FLAG.padded, 1, "\x03data \0\0\0"),
  frame(data, FRAME_FLAG.endStream | FRAME_FLAG.padded, 1, "\x02here\0\0"),
  frame(headers, FRAME_FLAG.padded | FRAME_FLAG.priority | FRAME_FLAG.endStream, 3, "\x01\0\0\0\x03\x10cut \0"),
  frame(continuation, 0, 3, "in "),
  frame(continuation, FRAME_FLAG.endHeaders, 3, "three"),
  frame(ping, 0, 0, "12345678"),
  frame(FRAME_TYPE.windowUpdate, 0, 3, "\0\0\x01\0"),
  frame(FRAME_TYPE.reset, 0, 3, "\0\0\0\x08"),
  frame(FRAME_TYPE.priority, 0, 5, "\0\0\0\0\0"),
  frame(99, 0xff, 7, "whatever"),
  frame(data, FRAME_FLAG.endStream, 5),
  frame(FRAME_TYPE.goAway, 0, 0, "\0\0\0\x05\0\0\0\0why"),
]);
const EVENTS = [
  "settings  false",
  "headers 1 head false false",
  "data 1 some data here charged 21 end",
  "headers 3 cut in three true true",
  "ping 12345678 false",
  "window-update 3 256",
  "reset 3 8",
  "priority 5 8",
  "unknown 7 8",
  "data 5  charged 0 end",
  "go-away 0 5",
];

test("reads a conversation in one piece", () => {
  expect(events([CONVERSATION])).toEqual(EVENTS);
});

test("reads the same wherever it is split", () => {
  for (let cut = 0; cut <= CONVERSATION.length; cut++) {
    expect(events([CONVERSATION.subarray(0, cut), CONVERSATION.subarray(cut)])).toEqual(EVENTS);
  }
  expect(events(Array.from(CONVERSATION, (byte) => Buffer.from([byte])))).toEqual(EVENTS);
});

test("hands out DATA before its frame is complete", () => {
  const parser = new FrameParser({ maxHeaderBlockBytes: 100, preface: false });
  parser.push(Buffer.concat([frame(settings, 0, 0), frame(data, FRAME_FLAG.endStream, 1, "abcdef").subarray(0, 12)]));
  expect([parser.next(), parser.next()]).toEqual(["settings", "data"]);
  expect([parser.bytes.toString("latin1", parser.start, parser.end), parser.frameLength, parser.endStream]).toEqual([
    "abc",
    6,
    false,
  ]);
  expect([parser.next(), parser.incomplete]).toEqual([undefined, false]);
});

test.each([
  ["half a preface", CLIENT_PREFACE.subarray(0, 5)],
  ["half a frame header", Buffer.concat([OPENING, Buffer.from([0, 0])])],
  ["half a payload", Buffer.concat([OPENING, frame(ping, 0, 0, "12345678").subarray(0, 12)])],
  ["a block without its end", Buffer.concat([OPENING, frame(headers, 0, 1, "x")])],
])("%s is incomplete", (_, bytes) => {
  const parser = new FrameParser({ maxHeaderBlockBytes: 100 });
  parser.push(Buffer.from(bytes));
  while (parser.next() !== undefined) {}
  expect(parser.incomplete).toBe(true);
});

describe("broken frames are faults", () => {
  const { protocolError, frameSizeError, enhanceYourCalm } = ERROR_CODE;
  const open = frame(headers, 0, 1, "x");
  test.each<[string, number, Buffer[]]>([
    ["DATA on stream 0", protocolError, [frame(data, 0, 0, "x")]],
    ["HEADERS on stream 0", protocolError, [frame(headers, 4, 0, "x")]],
    ["PRIORITY on stream 0", protocolError, [frame(FRAME_TYPE.priority, 0, 0, "12345")]],
    ["RST_STREAM on stream 0", protocolError, [frame(FRAME_TYPE.reset, 0, 0, "1234")]],
    ["SETTINGS on a stream", protocolError, [frame(settings, 0, 1)]],
    ["PING on a stream", protocolError, [frame(ping, 0, 1, "12345678")]],
    ["GOAWAY on a stream", protocolError, [frame(FRAME_TYPE.goAway, 0, 1, "12345678")]],
    ["PUSH_PROMISE", protocolError, [frame(FRAME_TYPE.pushPromise, 4, 1, "1234")]],
    ["CONTINUATION alone", protocolError, [frame(continuation, 4, 1, "x")]],
    ["CONTINUATION of another stream", protocolError, [open, frame(continuation, 4, 3, "x")]],
    ["an unknown frame inside a block", protocolError, [open, frame(99, 0, 1, "x")]],
    ["DATA padded beyond its end", protocolError, [frame(data, 8, 1, "\x05abcd")]],
    ["HEADERS padded beyond its end", protocolError, [frame(headers, 12, 1, "\x05abcd")]],
    ["DATA without its pad length", frameSizeError, [frame(data, 8, 1)]],
    ["HEADERS too short for a priority", frameSizeError, [frame(headers, 36, 1, "abc")]],
    ["a PRIORITY of 4 bytes", frameSizeError, [frame(FRAME_TYPE.priority, 0, 1, "1234")]],
    ["a RST_STREAM of 3 bytes", frameSizeError, [frame(FRAME_TYPE.reset, 0, 1, "123")]],
    ["a SETTINGS of 5 bytes", frameSizeError, [frame(settings, 0, 0, "12345")]],
    ["a SETTINGS acknowledgement with a payload", frameSizeError, [frame(settings, 1, 0, "123456")]],
    ["a PING of 7 bytes", frameSizeError, [frame(ping, 0, 0, "1234567")]],
    ["a GOAWAY of 7 bytes", frameSizeError, [frame(FRAME_TYPE.goAway, 0, 0, "1234567")]],
    ["a WINDOW_UPDATE of 5 bytes", frameSizeError, [frame(FRAME_TYPE.windowUpdate, 0, 0, "12345")]],
    ["a frame over the size limit", frameSizeError, [frame(data, 0, 1, "x".repeat(16_385))]],
    ["a block over the limit", enhanceYourCalm, [frame(headers, 4, 1, "x".repeat(1001))]],
    [
      "a block over the limit in pieces",
      enhanceYourCalm,
      [open, ...Array<Buffer>(2).fill(frame(continuation, 0, 1, "x".repeat(600)))],
    ],
    ["a block in empty pieces", enhanceYourCalm, [open, ...Array<Buffer>(50).fill(frame(continuation, 0, 1))]],
  ])("%s", (_, code, frames) => {
    expect(events([OPENING, ...frames, frame(ping, 0, 0, "12345678")]).slice(1)).toEqual([`fault ${code}`]);
  });

  test.each([
    ["a preface of HTTP/1", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a first frame that is not SETTINGS", Buffer.concat([CLIENT_PREFACE, frame(ping, 0, 0, "12345678")])],
    ["a first SETTINGS that acknowledges", Buffer.concat([CLIENT_PREFACE, frame(settings, 1, 0)])],
  ])("%s", (_, bytes) => {
    expect(events([bytes])).toEqual([`fault ${protocolError}`]);
  });
});
