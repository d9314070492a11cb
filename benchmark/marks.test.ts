import { expect, test } from "vitest";
// @ts-expect-error The benchmark's scripts are plain JavaScript without types.
import { judge, rowName } from "./marks.mjs";

const rounds = (...cpu: number[]) => cpu.map((value) => ({ cpu: value, rate: 1_000 / value, failures: 0 }));

test("a row is held against the mark, the floor and the same row with more connections", () => {
  const load = new Map([
    [
      rowName("grpc", "simplest", 1, 16, 1),
      new Map([
        ["modelport", rounds(28, 29, 90)],
        ["floor", rounds(40, 40, 100)],
      ]),
    ],
    [
      rowName("grpc", "simplest", 1, 64, 1),
      new Map([
        ["modelport", rounds(29, 29, 91)],
        ["floor", rounds(40, 40, 100)],
      ]),
    ],
  ]);
  expect(judge(load, new Map())).toEqual([
    ["gRPC, one-op model, 16 connections: CPU µs a request", "<= 30", "29.0", "yes"],
    ["gRPC, one-op model, 16 connections: CPU against the floor", "<= 0.7", "0.72", "no"],
    ["gRPC, one-op model: requests/s at 64 connections against 16", ">= 0.95", "0.99", "yes"],
  ]);
});

test("two threads are held against one, and against one on one core, also on one connection", () => {
  const servers = (two: number, one: number, core: number) =>
    new Map([
      ["2 threads", rounds(two)],
      ["1 thread", rounds(one)],
      ["1 core", rounds(core)],
    ]);
  const threads = new Map([
    [rowName("rest", "matmul_chain", 1, 16, 1), servers(5, 5, 9)],
    [rowName("grpc", "matmul_chain", 1, 1, 16), servers(5, 10, 8)],
  ]);
  expect(judge(new Map(), threads).map(([, , measured, holds]: string[]) => [measured, holds])).toEqual([
    ["1.00", "no"],
    ["1.80", "yes"],
    ["2.00", "yes"],
    ["1.60", "no"],
  ]);
});

test("what was not measured is not judged", () => {
  expect(judge(new Map(), new Map())).toEqual([]);
});
