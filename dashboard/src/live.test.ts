import { expect, test } from "vitest";
import { retryDelay } from "./live.ts";

test("the server is asked again after a second, then ever more rarely, and not by all at once", () => {
  expect([1, 2, 3, 4, 5, 6, 60].map((failures) => retryDelay(failures, 0))).toEqual([
    1000, 2000, 4000, 8000, 16_000, 30_000, 30_000,
  ]);
  expect(retryDelay(1, 1)).toBe(1250);
});
