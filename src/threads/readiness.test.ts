import { describe, expect, test } from "vitest";
import { ServingTable } from "../serving/serving-table.ts";
import { Readiness } from "./readiness.ts";

describe("readiness", () => {
  test("of the server is what was said last, no at first", () => {
    const readiness = new Readiness(new ServingTable());
    expect([readiness.ready, readiness.isServing("")]).toEqual([false, false]);
    readiness.setReady(true);
    expect([readiness.ready, readiness.isServing("")]).toEqual([true, true]);
    readiness.setReady(false);
    expect(readiness.isServing("")).toBe(false);
  });

  test("of a model is whether a version of it is available, and unknown for other names", () => {
    const table = new ServingTable();
    const readiness = new Readiness(table);
    readiness.setReady(true);
    expect([readiness.isServing("m"), readiness.isServing("__proto__")]).toEqual([undefined, undefined]);
    table.setStatuses("m", [
      { version: 1n, state: "END" },
      { version: 2n, state: "LOADING" },
    ]);
    expect(readiness.isServing("m")).toBe(false);
    table.setStatuses("m", [{ version: 2n, state: "AVAILABLE" }]);
    expect(readiness.isServing("m")).toBe(true);
  });

  test("is told to those who listen, until they stop", () => {
    const readiness = new Readiness(new ServingTable());
    const heard: string[] = [];
    const stopA = readiness.subscribe(() => heard.push(`a ${readiness.ready}`));
    readiness.subscribe(() => heard.push(`b ${readiness.ready}`));
    readiness.setReady(true);
    stopA();
    readiness.notify();
    expect(heard).toEqual(["a true", "b true", "b true"]);
  });

  test("may be left by a listener while it is being told", () => {
    const readiness = new Readiness(new ServingTable());
    let calls = 0;
    const stop = readiness.subscribe(() => {
      calls++;
      stop();
    });
    readiness.notify();
    readiness.notify();
    expect(calls).toBe(1);
  });
});
