import { expect, test } from "vitest";
import { returnFreeMemory } from "./free-memory.ts";

test("can be asked for again and again, on any system", async () => {
  await expect(Promise.all([returnFreeMemory(), returnFreeMemory()])).resolves.toEqual([undefined, undefined]);
  await expect(returnFreeMemory()).resolves.toBeUndefined();
});
