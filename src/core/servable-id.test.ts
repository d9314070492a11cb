import { expect, test } from "vitest";
import { formatServableId, servableKey } from "./servable-id.ts";

test("formats as TensorFlow Serving's messages do", () => {
  expect(formatServableId({ name: "iris", version: 7n })).toBe("{name: iris version: 7}");
});

test("keys differ whenever name or version do, whatever the names hold", () => {
  const ids = [
    { name: "a", version: 1n },
    { name: "a", version: 11n },
    { name: "1/a", version: 1n },
    { name: "a", version: -1n },
    { name: "__proto__", version: 1n },
    { name: "", version: 1n },
  ];
  expect(new Set(ids.map(servableKey)).size).toBe(ids.length);
  expect(servableKey({ name: "a", version: 1n })).toBe(servableKey({ version: 1n, name: "a" }));
});
