import { expect, test } from "vitest";
import { ERROR_CODE } from "./error-code.ts";
import { changedWindow, MAX_WINDOW, ReceiveWindow } from "./flow-control.ts";
import { applySettings, DEFAULT_PEER_SETTINGS, encodeSettings, SETTING } from "./settings.ts";
import { STREAM_MOVES } from "./stream.ts";
import { TokenBucket } from "./token-bucket.ts";

test("a send window may sink below zero and never overflows", () => {
  expect(changedWindow(10, -65_535)).toBe(-65_525);
  expect(changedWindow(MAX_WINDOW - 1, 1)).toBe(MAX_WINDOW);
  expect(changedWindow(MAX_WINDOW, 1)).toBeUndefined();
});

test("a receive window is reopened in steps of half its size", () => {
  const window = new ReceiveWindow(100);
  expect(window.receive(100)).toBe(true);
  expect(window.release(49)).toBe(0);
  expect(window.release(1)).toBe(50);
  expect(window.receive(50)).toBe(true);
  expect(window.receive(1)).toBe(false);
});

test("a window larger than the peer knows of is announced", () => {
  const window = new ReceiveWindow(1000, 65);
  expect(window.announce()).toBe(935);
  expect(window.receive(1000)).toBe(true);
});

test.each([
  [SETTING.enablePush, 2, ERROR_CODE.protocolError],
  [SETTING.initialWindowSize, 2 ** 31, ERROR_CODE.flowControlError],
  [SETTING.maxFrameSize, 16_383, ERROR_CODE.protocolError],
  [SETTING.maxFrameSize, 2 ** 24, ERROR_CODE.protocolError],
])("setting %i to %i is a fault", (setting, value, code) => {
  const payload = encodeSettings([[setting, value]]);
  expect(applySettings(DEFAULT_PEER_SETTINGS, payload, 0, payload.length)).toMatchObject({ scope: "connection", code });
});

test("settings are applied in order and unknown ones ignored", () => {
  const payload = encodeSettings([
    [SETTING.initialWindowSize, 1],
    [0x99, 5],
    [SETTING.initialWindowSize, 2],
    [SETTING.headerTableSize, 3],
    [SETTING.maxFrameSize, 20_000],
  ]);
  expect(applySettings(DEFAULT_PEER_SETTINGS, payload, 0, payload.length)).toEqual({
    headerTableSize: 3,
    initialWindowSize: 2,
    maxFrameSize: 20_000,
  });
});

test("a bucket allows its burst and then its rate", () => {
  const bucket = new TokenBucket(2, 10, 0);
  expect([bucket.take(0), bucket.take(0), bucket.take(0)]).toEqual([true, true, false]);
  expect([bucket.take(100), bucket.take(100)]).toEqual([true, false]);
  expect([bucket.take(10_000), bucket.take(10_000), bucket.take(10_000)]).toEqual([true, true, false]);
});

test("a stream closes when both sides have ended, in either order, or by a reset", () => {
  expect(STREAM_MOVES[STREAM_MOVES.open["remote-end"]!]["local-end"]).toBe("closed");
  expect(STREAM_MOVES[STREAM_MOVES.open["local-end"]!]["remote-end"]).toBe("closed");
  expect(STREAM_MOVES.open.reset).toBe("closed");
  expect(STREAM_MOVES.closed).toEqual({});
});
