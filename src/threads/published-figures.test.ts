import { describe, expect, test } from "vitest";
import { CallFigures } from "../metrics/version-figures.ts";
import { PublishedFigures } from "./published-figures.ts";

const V1 = { name: "m", version: 1n };
const V2 = { name: "m", version: 2n };

function told(figures: PublishedFigures): Record<string, number> {
  return Object.fromEntries(figures.read().map(({ id, requests }) => [`${id.name} ${id.version}`, requests]));
}

describe("figures of published versions", () => {
  test("are told of those that were asked anything, since the last reading", () => {
    const figures = new PublishedFigures(2);
    const [first] = [figures.memory(V1), figures.memory(V2)];
    new CallFigures(first, 1).failed();
    expect(told(figures)).toEqual({ "m 1": 1 });
    expect(told(figures)).toEqual({});
  });

  test("go on in the same memory for as long as the version is published", () => {
    const figures = new PublishedFigures(1);
    expect(figures.memory(V1)).toBe(figures.memory(V1));
    const before = figures.memory(V1);
    figures.retire(V1);
    expect(figures.memory(V1)).not.toBe(before);
  });

  test("of one that goes are told once more and no longer", () => {
    const figures = new PublishedFigures(1);
    new CallFigures(figures.memory(V1), 0).answered(1);
    figures.retire(V1);
    figures.retire(V1);
    expect(told(figures)).toEqual({ "m 1": 1 });
    expect(told(figures)).toEqual({});
  });

  test("of one that went and came again between two readings are one version's", () => {
    const figures = new PublishedFigures(1);
    for (let life = 0; life < 3; life++) {
      new CallFigures(figures.memory(V1), 0).answered(1);
      if (life < 2) figures.retire(V1);
    }
    expect(told(figures)).toEqual({ "m 1": 3 });
    figures.retire(V1);
    figures.memory(V1);
    expect(told(figures)).toEqual({});
  });
});
