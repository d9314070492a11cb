import { describe, expect, test } from "vitest";
import { LargeBuffers, SMALLEST_LARGE } from "./large-buffers.ts";

const MEBIBYTE = 1024 * 1024;

describe("large buffers", () => {
  test("are at least as long as asked for, and no more than a quarter longer", () => {
    const buffers = new LargeBuffers();
    for (const length of [
      1,
      1000,
      SMALLEST_LARGE,
      SMALLEST_LARGE + 1,
      65_536,
      65_537,
      313_630,
      MEBIBYTE,
      3 * MEBIBYTE,
      5_000_001,
    ]) {
      const { length: given } = buffers.lend(length);
      expect(given).toBeGreaterThanOrEqual(length);
      expect(given).toBeLessThanOrEqual(length * 1.25);
    }
  });

  test("that came back are lent again, to one at a time", () => {
    const buffers = new LargeBuffers();
    const first = buffers.lend(300_000);
    expect(buffers.lendKept(300_000)).toBeUndefined();
    buffers.giveBack(first.subarray(5, 200_000));
    const second = buffers.lend(290_000);
    expect(second.buffer).toBe(first.buffer);
    expect(buffers.lend(290_000).buffer).not.toBe(second.buffer);
  });

  test("are taken back once", () => {
    const buffers = new LargeBuffers();
    const lent = buffers.lend(300_000);
    buffers.giveBack(lent);
    buffers.giveBack(lent);
    expect(buffers.keptBytes).toBe(lent.length);
  });

  test("of somebody else's are left alone", () => {
    const buffers = new LargeBuffers();
    buffers.giveBack(new Uint8Array(300_000));
    buffers.giveBack(new LargeBuffers().lend(300_000));
    buffers.giveBack(Buffer.from("short"));
    expect(buffers.keptBytes).toBe(0);
  });

  test("handed to another thread are forgotten", () => {
    const buffers = new LargeBuffers();
    const lent = buffers.lend(300_000);
    structuredClone(lent.buffer, { transfer: [lent.buffer as ArrayBuffer] });
    buffers.giveBack(lent);
    expect(buffers.keptBytes).toBe(0);
  });

  test("are kept up to a bound, and none that is huge", () => {
    const buffers = new LargeBuffers();
    const lent = Array.from({ length: 40 }, () => buffers.lend(MEBIBYTE));
    for (const bytes of lent) buffers.giveBack(bytes);
    expect(buffers.keptBytes).toBe(16 * MEBIBYTE);
    const huge = buffers.lend(32 * MEBIBYTE);
    buffers.giveBack(huge);
    expect(buffers.keptBytes).toBe(16 * MEBIBYTE);
  });

  test("that nobody needed for a while are let go, those in use stay", () => {
    const buffers = new LargeBuffers();
    const [used, idle] = [buffers.lend(300_000), buffers.lend(MEBIBYTE)];
    buffers.giveBack(used);
    buffers.giveBack(idle);
    buffers.trim();
    for (let second = 0; second < 5; second++) {
      buffers.giveBack(buffers.lendKept(300_000) ?? Buffer.alloc(0));
      buffers.trim();
    }
    expect(buffers.keptBytes).toBeLessThan(MEBIBYTE);
    buffers.trim();
    buffers.trim();
    expect(buffers.keptBytes).toBe(0);
  });
});
