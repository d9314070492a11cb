import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CallFigures, CallSum, type CallSummary, FiguresReader, figuresMemory } from "./version-figures.ts";

function read(...readers: FiguresReader[]): CallSummary | undefined {
  const sum = new CallSum();
  for (const reader of readers) reader.read(sum);
  return sum.summary();
}

describe("the calls of a version", () => {
  test("are those of all threads", () => {
    const memory = figuresMemory(3);
    const reader = new FiguresReader(memory);
    new CallFigures(memory, 0).answered(100);
    new CallFigures(memory, 2).answered(100);
    new CallFigures(memory, 1).failed();
    expect(read(reader)).toMatchObject({ requests: 3, errors: 1 });
  });

  test("are told once, and have no latency where none was answered well", () => {
    const memory = figuresMemory(1);
    const reader = new FiguresReader(memory);
    const calls = new CallFigures(memory, 0);
    expect([reader.changed, read(reader)]).toEqual([false, undefined]);
    calls.failed();
    expect([reader.changed, read(reader)]).toEqual([true, { requests: 1, errors: 1 }]);
    expect([reader.changed, read(reader)]).toEqual([false, undefined]);
  });

  test("are counted on by a thread that takes the place of another", () => {
    const memory = figuresMemory(1);
    const reader = new FiguresReader(memory);
    new CallFigures(memory, 0).answered(10);
    new CallFigures(memory, 0).failed();
    expect(read(reader)).toMatchObject({ requests: 2, errors: 1 });
    new CallFigures(memory, 0).answered(10);
    expect(read(reader)).toMatchObject({ requests: 1, errors: 0 });
  });

  test("stay right where a count wraps", () => {
    const memory = figuresMemory(1);
    const all = new Uint32Array(memory);
    all.fill(2 ** 32 - 2);
    const reader = new FiguresReader(memory);
    read(reader);
    const calls = new CallFigures(memory, 0);
    for (let call = 0; call < 5; call++) calls.answered(7);
    for (let call = 0; call < 3; call++) calls.failed();
    expect([...all.subarray(0, 2)]).toEqual([6, 1]);
    expect(read(reader)).toMatchObject({ requests: 8, errors: 3 });
  });
});

describe("a percentile", () => {
  const nearest = (sorted: readonly number[], share: number) => sorted[Math.ceil(sorted.length * share) - 1]!;

  test("is within a sixteenth of that of the sorted times, or a microsecond", () => {
    const times = fc.array(fc.double({ min: 0, max: 2 ** 26, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(times, (latencies) => {
        const memory = figuresMemory(2);
        for (const [index, latency] of latencies.entries()) new CallFigures(memory, index % 2).answered(latency);
        const sorted = latencies.toSorted((a, b) => a - b);
        const { p50, p95, p99 } = read(new FiguresReader(memory))!;
        for (const [told, share] of [
          [p50, 0.5],
          [p95, 0.95],
          [p99, 0.99],
        ] as const) {
          const exact = nearest(sorted, share);
          expect(Math.abs(told! - exact)).toBeLessThanOrEqual(Math.max(1, exact / 16 + 1e-9));
        }
      }),
    );
  });

  test.each([
    ["no time", 0, 0.5],
    ["a time that a clock does not give", -5, 0.5],
    ["no number", Number.NaN, 1.34e8],
    ["longer than the last bucket begins", 1e12, 1.3e8],
    ["endless", Number.POSITIVE_INFINITY, 1.3e8],
  ])("of %s is a number", (_, latency, about) => {
    const memory = figuresMemory(1);
    new CallFigures(memory, 0).answered(latency);
    const { requests, p99 } = read(new FiguresReader(memory))!;
    expect(requests).toBe(1);
    expect(p99).toBeGreaterThanOrEqual(about * 0.9);
    expect(p99).toBeLessThanOrEqual(about * 1.1);
  });
});
