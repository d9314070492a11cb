import { expect, test } from "vitest";
import { afterSettled } from "./after-settled.ts";

test("the action comes before whoever waits, and the outcome stays what it was", async () => {
  const calls: string[] = [];
  const note = (what: string) => () => void calls.push(what);
  await afterSettled(Promise.resolve(7), note("value")).then((value) => calls.push(`waited for ${value}`));
  await afterSettled(Promise.reject(new Error("no")), note("error")).catch((reason: Error) => calls.push(reason.message));
  expect(calls).toEqual(["value", "waited for 7", "error", "no"]);
});
