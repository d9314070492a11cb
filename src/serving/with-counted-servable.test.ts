import { beforeEach, describe, expect, test } from "vitest";
import { deferred } from "../base/deferred.ts";
import { CallFigures, CallSum, FiguresReader, figuresMemory } from "../metrics/version-figures.ts";
import type { Servable } from "../model/servable.ts";
import { ServingTable } from "./serving-table.ts";
import { withCountedServable } from "./with-counted-servable.ts";

const SPEC = { name: "m", version: undefined, versionLabel: undefined, signatureName: "" };
const SERVABLE = { signatures: new Map() } as unknown as Servable;

let table: ServingTable;
let reader: FiguresReader;

beforeEach(async () => {
  const memory = figuresMemory(1);
  table = new ServingTable();
  reader = new FiguresReader(memory);
  await table.servables.publish({ name: "m", version: 1n }, SERVABLE);
  table.setFigures(SERVABLE, new CallFigures(memory, 0));
});

function counted(): readonly [requests: number, errors: number] {
  const sum = new CallSum();
  reader.read(sum);
  const { requests, errors } = sum.summary() ?? { requests: 0, errors: 0 };
  return [requests, errors];
}

describe("a call on a version", () => {
  test("that is answered at once is counted and stays synchronous", () => {
    expect(withCountedServable(table, SPEC, ({ id }) => id.version)).toBe(1n);
    expect(counted()).toEqual([1, 0]);
  });

  test("that throws is an error", () => {
    const fault = new Error("no");
    expect(() =>
      withCountedServable(table, SPEC, () => {
        throw fault;
      }),
    ).toThrow(fault);
    expect(counted()).toEqual([1, 1]);
  });

  test("that is answered later is counted then", async () => {
    const [good, bad] = [deferred<number>(), deferred<number>()];
    const answers = [good, bad].map(async ({ promise }) => await withCountedServable(table, SPEC, () => promise));
    expect(counted()).toEqual([0, 0]);
    good.resolve(7);
    bad.reject(new Error("no"));
    expect(await Promise.allSettled(answers)).toMatchObject([{ value: 7 }, { status: "rejected" }]);
    expect(counted()).toEqual([2, 1]);
  });

  test("that no version answers is nobody's", () => {
    expect(() => withCountedServable(table, { ...SPEC, name: "other" }, () => 1)).toThrow("Servable not found");
    expect(counted()).toEqual([0, 0]);
  });

  test("on a version whose calls are not counted is served all the same", async () => {
    await table.servables.replace({ name: "m", version: 1n }, { signatures: new Map() } as unknown as Servable);
    expect(withCountedServable(table, SPEC, () => 3)).toBe(3);
    expect(counted()).toEqual([0, 0]);
  });
});
